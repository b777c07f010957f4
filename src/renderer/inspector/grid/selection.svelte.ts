import type { Cell } from './viewport.svelte.js';

/** First and last depth, 0-based, both included. */
export type DepthRange = readonly [number, number];

/** Positions that are chosen, for what shows no depths: a picture, or the words of a sound. */
export interface PositionSelection {
  readonly positions: ReadonlySet<number>;
  readonly empty: boolean;
  /** Positions in order. */
  readonly sorted: number[];
  choosePositions(positions: Iterable<number>): void;
  togglePosition(i: number): void;
}

/**
 * What is chosen in the grid: some positions, and of each the same range of depths. That is what every edit takes, and a rectangle, whole
 * rows, whole columns and a region of the picture are all of this form.
 */
export class TokenSelection implements PositionSelection {
  positions = $state.raw<ReadonlySet<number>>(new Set());
  depths = $state.raw<DepthRange>([0, 0]);
  /** The cell that the keyboard stands on. */
  cursor = $state.raw<Cell>({ i: 0, j: 0 });
  #anchor: Cell = { i: 0, j: 0 };
  #L = 1;
  #D = 1;

  /** Starts over for tokens of another shape; keeps what is chosen where the shape is the same. */
  show(L: number, D: number): void {
    if (L === this.#L && D === this.#D) return;
    this.#L = L;
    this.#D = D;
    this.cursor = this.#anchor = { i: 0, j: 0 };
    this.clear();
  }

  get size(): number {
    return this.empty ? 0 : this.positions.size * (this.depths[1] - this.depths[0] + 1);
  }

  get empty(): boolean {
    return this.positions.size === 0;
  }

  has({ i, j }: Cell): boolean {
    return this.positions.has(i) && j >= this.depths[0] && j <= this.depths[1];
  }

  /** Positions in order. */
  get sorted(): number[] {
    return [...this.positions].sort((a, b) => a - b);
  }

  clear(): void {
    this.positions = new Set();
    this.depths = [0, this.#D - 1];
  }

  all(): void {
    this.rectangle({ i: 0, j: 0 }, { i: this.#L - 1, j: this.#D - 1 });
  }

  /** Every token between two corners. */
  rectangle(a: Cell, b: Cell): void {
    this.positions = new Set(between(a.i, b.i));
    this.depths = [Math.min(a.j, b.j), Math.max(a.j, b.j)];
    this.#anchor = a;
    this.cursor = b;
  }

  /** These positions, all depths of them unless told otherwise: a click on a column's header, or a region of the picture. */
  choosePositions(positions: Iterable<number>, depths: DepthRange = [0, this.#D - 1]): void {
    this.positions = new Set(positions);
    this.depths = depths;
  }

  togglePosition(i: number): void {
    const positions = new Set(this.positions);
    if (!positions.delete(i)) positions.add(i);
    if (this.empty) this.depths = [0, this.#D - 1];
    this.positions = positions;
  }

  /** These depths of every position: a click on a row's header. */
  chooseDepths(from: number, to: number): void {
    this.rectangle({ i: 0, j: from }, { i: this.#L - 1, j: to });
    this.cursor = { i: 0, j: to };
  }

  /** Moves the keyboard's cell; `extend` stretches the rectangle from where it began. */
  move(di: number, dj: number, extend: boolean): void {
    const cursor = { i: clamp(this.cursor.i + di, this.#L), j: clamp(this.cursor.j + dj, this.#D) };
    if (extend) this.rectangle(this.empty ? this.cursor : this.#anchor, cursor);
    this.cursor = cursor;
    if (!extend) this.#anchor = cursor;
  }
}

function between(a: number, b: number): number[] {
  const from = Math.min(a, b);
  return Array.from({ length: Math.abs(a - b) + 1 }, (_, n) => from + n);
}

function clamp(value: number, length: number): number {
  return Math.max(0, Math.min(length - 1, value));
}

/** Runs of neighbouring numbers, `[first, last]`: what is drawn as one box. @param sorted ascending */
export function runsOf(sorted: readonly number[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const n of sorted) {
    const run = runs.at(-1);
    if (run && run[1] === n - 1) run[1] = n;
    else runs.push([n, n]);
  }
  return runs;
}

/** "0–3, 8, 11–63": positions as files, the command line and Python count them. */
export function sayPositions(sorted: readonly number[]): string {
  return runsOf(sorted)
    .map(([a, b]) => (a === b ? `${a}` : `${a}–${b}`))
    .join(', ');
}
