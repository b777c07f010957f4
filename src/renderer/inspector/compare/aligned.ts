import type { PositionSelection } from '../grid/selection.svelte.js';

/** Which position of another item each of ours is held against, and the way back. */
export class Alignment {
  /** By position of the other: one of ours. */
  readonly #back: Int32Array;

  /**
   * @param theirs `[L]`, never decreasing: the other's position of each of ours
   * @param length how many the other has
   */
  constructor(
    private readonly theirs: Int32Array,
    readonly length: number,
  ) {
    let i = 0;
    this.#back = Int32Array.from({ length }, (_, j) => {
      // The last of ours that is not beyond it: what nothing is held against belongs to what comes before.
      while (i < theirs.length - 1 && (theirs[i + 1] ?? 0) <= j) i++;
      return i;
    });
  }

  toTheirs(i: number): number {
    return this.theirs[i] ?? 0;
  }

  toOurs(j: number): number {
    return this.#back[j] ?? 0;
  }

  /** All of theirs that belong to some of ours. */
  allToTheirs(ours: ReadonlySet<number>): Set<number> {
    const all = new Set([...ours].map((i) => this.toTheirs(i)));
    for (let j = 0; j < this.length; j++) if (ours.has(this.toOurs(j))) all.add(j);
    return all;
  }

  allToOurs(theirs: ReadonlySet<number>): Set<number> {
    const all = new Set([...theirs].map((j) => this.toOurs(j)));
    for (const [i, j] of this.theirs.entries()) if (theirs.has(j)) all.add(i);
    return all;
  }
}

/** What is chosen in our item, as positions of the other one: to choose there is to choose here what belongs to it. */
export class AlignedSelection implements PositionSelection {
  constructor(
    private readonly ours: PositionSelection,
    private readonly alignment: Alignment,
  ) {}

  get positions(): ReadonlySet<number> {
    return this.alignment.allToTheirs(this.ours.positions);
  }

  get empty(): boolean {
    return this.ours.empty;
  }

  get sorted(): number[] {
    return [...this.positions].sort((a, b) => a - b);
  }

  choosePositions(positions: Iterable<number>): void {
    this.ours.choosePositions(this.alignment.allToOurs(new Set(positions)));
  }

  togglePosition(j: number): void {
    this.ours.togglePosition(this.alignment.toOurs(j));
  }
}
