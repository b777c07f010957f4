import type { Bridge, Item } from '../../../contract/index.js';
import { difference, type Frame } from '../frames.js';
import { floats, ints, type DecodeViews, type Tokens } from '../source.js';
import { Alignment } from './aligned.js';

export type Side = 'this' | 'other' | 'difference';

/** Where two items differ. Arrays are `[L * D]`, row-major. */
export interface Differences {
  /** 1 where the codes differ. */
  readonly differs: Uint8Array;
  /** Mean square of the difference of the sums up to each depth. */
  readonly distance: Float32Array;
  /** Positions with another code, of each depth. */
  readonly perDepth: readonly number[];
  readonly total: number;
  /** Positions that agree at every depth. */
  readonly same: number;
  /** Of sounds that do not run side by side, and by what they are held against each other; null where each position is held against its like. */
  readonly aligned: { readonly by: 'phones' | 'tokens'; readonly to: Alignment } | null;
}

/** The open item against another of its model. */
export class Comparison {
  other = $state.raw<Item | null>(null);
  differences = $state.raw<Differences | null>(null);
  mine = $state.raw<Frame | null>(null);
  theirs = $state.raw<Frame | null>(null);
  side = $state<Side>('this');
  problem = $state('');

  /** @param decoderOf makes what decodes an item, by its id */
  constructor(
    private readonly tokens: Tokens,
    private readonly bridge: Bridge,
    private readonly decoderOf: (id: string) => DecodeViews,
  ) {}

  /** Whether the items can be seen or heard. */
  get decodes(): boolean {
    return this.tokens.cannot.decode === null;
  }

  /** What the other has more, made well to be seen or heard; of sounds that do not run side by side there is no such thing. */
  readonly difference = $derived(
    this.mine && this.theirs && this.differences?.aligned === null ? difference(this.theirs, this.mine).frame : null,
  );

  /** What there is to look at. */
  readonly sides = $derived<readonly Side[]>(this.differences?.aligned ? ['this', 'other'] : ['this', 'other', 'difference']);

  /** How the positions of what is shown belong to those of the open item, where they are not the same ones. */
  readonly alignment = $derived((this.side === 'other' && this.differences?.aligned?.to) || null);

  /** By side. */
  readonly frames = $derived({ this: this.mine, other: this.theirs, difference: this.difference });

  readonly shown = $derived(this.frames[this.side]);

  async choose(item: Item): Promise<void> {
    const { L, D, item: mine, cannot } = this.tokens;
    this.other = item;
    this.differences = this.theirs = null;
    this.problem = '';
    const reply = await this.bridge.call('tokens.compare', { a: mine.id, b: item.id });
    if (this.#overtaken(item)) return;
    if (!reply.ok) {
      this.problem = reply.error.message;
      return;
    }
    const { differs, distance, perDepth, aligned } = reply.value;
    let same = 0;
    for (let i = 0; i < L; i++) if (!differs.subarray(i * D, (i + 1) * D).includes(1)) same++;
    const total = perDepth.reduce((sum, count) => sum + count, 0);
    const to = aligned && { by: aligned.by, to: new Alignment(ints(aligned.positions), aligned.L) };
    this.differences = { differs, distance: floats(distance), perDepth, total, same, aligned: to };
    if (to && this.side === 'difference') this.side = 'other';
    if (cannot.decode !== null) return;
    this.mine ??= await this.#picture(mine.id);
    const theirs = await this.#picture(item.id);
    if (!this.#overtaken(item)) this.theirs = theirs;
  }

  /** This, other, and back. */
  swap(): void {
    this.side = this.side === 'this' ? 'other' : 'this';
  }

  async #picture(id: string): Promise<Frame | null> {
    const reply = await this.decoderOf(id)([{ depth: this.tokens.D }]);
    if (!reply.ok) this.problem = reply.error.message;
    return reply.ok ? (reply.value[0] ?? null) : null;
  }

  #overtaken(item: Item): boolean {
    return this.other?.id !== item.id;
  }
}
