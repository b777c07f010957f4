import { Latest } from '../latest.js';
import { decibels, difference, isSound, nothing, type Frame } from '../frames.js';
import { melDistance } from '../mel.js';
import type { DecodeViews } from '../source.js';

/** Decoded in one call when all depths are asked for: more would keep the hand waiting that asks for one. */
const TOGETHER = 4;

/** One item seen at each of its depths. What was decoded once is kept, so that going back costs nothing. */
export class DepthView {
  /** 1..D: what the hand chose. */
  depth = $state(1);
  readonly D: number;
  /** By depth - 1; null until it is decoded. */
  frames = $state.raw<readonly (Frame | null)[]>([]);
  problem = $state('');
  #latest = new Latest();
  #closed = false;

  /** @param decode null where nothing here decodes these tokens: a depth can be chosen, and has only numbers to show */
  constructor(
    D: number,
    private readonly decode: DecodeViews | null,
  ) {
    this.D = D;
    this.depth = D;
    this.frames = Array.from({ length: D }, () => null);
  }

  /** Whether there is anything to see or hear. */
  get decodes(): boolean {
    return this.decode !== null;
  }

  /** What to show: the chosen depth, or the nearest that is decoded while that is on its way. */
  readonly shown = $derived.by(() => {
    for (let away = 0; away < this.frames.length; away++) {
      const frame = this.frames[this.depth - 1 - away] ?? this.frames[this.depth - 1 + away];
      if (frame) return frame;
    }
    return null;
  });
  readonly full = $derived(this.frames.at(-1) ?? null);
  /** Whether the chosen depth is still on its way. */
  readonly waiting = $derived(this.decodes && this.frames[this.depth - 1] === null && this.problem === '');

  /** How near each depth is to the full one, in dB; NaN where a frame is missing, and at full depth, where it is infinite. */
  readonly closeness = $derived.by(() => {
    const { full } = this;
    return this.frames.map((frame, n) => (frame && full && n < this.D - 1 ? finite(decibels(frame, full)) : Number.NaN));
  });

  /** Of sounds also how far each depth is from the full one to the ear, in dB; NaN where a frame is missing, and for pictures. */
  readonly melDistances = $derived.by(() => {
    const { full } = this;
    return this.frames.map((frame) => (frame && full && isSound(frame) && isSound(full) ? melDistance(frame, full) : Number.NaN));
  });

  /** What the chosen depth changed: against the depth before, for the first one against nothing. */
  readonly added = $derived.by(() => {
    const now = this.frames[this.depth - 1];
    if (!now) return null;
    const before = this.depth === 1 ? nothing(now) : this.frames[this.depth - 2];
    return before ? difference(now, before) : null;
  });

  /** Chooses a depth; the picture follows as soon as it can. */
  async show(depth: number): Promise<void> {
    this.depth = Math.max(1, Math.min(this.D, Math.round(depth)));
    const { depth: wanted } = this;
    await this.#latest.run(async () => {
      await this.#load([wanted]);
      // What it added needs its neighbour.
      if (wanted > 1 && wanted === this.depth) await this.#load([wanted - 1]);
    });
  }

  /** Every depth, for the strip and the curves, the deepest first, since the others are held against it. */
  async showAll(): Promise<void> {
    for (let depth = this.D; depth >= 1 && !this.#closed && this.problem === ''; depth -= TOGETHER) {
      await this.#load(Array.from({ length: Math.min(TOGETHER, depth) }, (_, n) => depth - n));
    }
  }

  async retry(): Promise<void> {
    this.problem = '';
    await this.show(this.depth);
  }

  /** Another item is open: what is on its way is of no use any more. */
  close(): void {
    this.#closed = true;
    this.#latest.cancel();
  }

  async #load(depths: readonly number[]): Promise<void> {
    const missing = depths.filter((depth) => !this.frames[depth - 1]);
    if (missing.length === 0 || this.#closed || !this.decode) return;
    const reply = await this.decode(missing.map((depth) => ({ depth })));
    if (this.#closed) return;
    if (!reply.ok) {
      this.problem = reply.error.message;
      return;
    }
    const decoded = new Map(missing.map((depth, n) => [depth, reply.value[n] ?? null]));
    this.frames = this.frames.map((frame, n) => decoded.get(n + 1) ?? frame);
  }
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : Number.NaN;
}
