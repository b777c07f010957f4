import type { Replay } from '../../../contract/index.js';
import { Latest } from '../latest.js';
import type { Frame } from '../frames.js';
import type { DecodeViews } from '../source.js';

const BINS = 24;
const PLAY_MS = 140;

/** One generation, step by step. */
export class ReplayView {
  readonly steps: number;
  step = $state(0);
  playing = $state(false);
  problem = $state('');
  /** By step, from 0 on; null until it is decoded. */
  frames = $state.raw<readonly (Frame | null)[]>([]);
  /** Tokens revealed at each step, from step 1 on. */
  readonly revealed: readonly number[];
  #latest = new Latest();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /**
   * @param revealedAt `[L * D]`: step 1..steps of each token, 0 for tokens that were given
   * @param confidence `[L * D]`
   */
  constructor(
    readonly course: Replay,
    readonly revealedAt: Uint8Array,
    readonly confidence: Float32Array | null,
    private readonly decode: DecodeViews,
  ) {
    this.steps = course.steps;
    this.step = course.steps;
    this.frames = Array.from({ length: course.steps + 1 }, () => null);
    this.revealed = course.masked.slice(1).map((masked, n) => (course.masked[n] ?? 0) - masked);
  }

  /** The picture of this step, or of the last one before it that is decoded. */
  readonly shown = $derived(this.frames.findLast((frame, step) => frame !== null && step <= this.step) ?? null);

  /** The scores of the tokens revealed at this step, counted over the range of all scores. */
  readonly histogram = $derived.by(() => histogramOf(this.revealedAt, this.confidence, this.step));

  async show(step: number): Promise<void> {
    this.step = Math.max(0, Math.min(this.steps, Math.round(step)));
    const wanted = this.step;
    await this.#latest.run(() => this.#load(wanted));
  }

  /** Runs from the start, or on from where it stands. */
  play(): void {
    if (this.step >= this.steps) this.step = 0;
    this.playing = true;
    const next = async (): Promise<void> => {
      if (!this.playing || this.#closed) return;
      const started = performance.now();
      await this.show(this.step + 1);
      if (this.step >= this.steps || this.problem !== '') return this.pause();
      this.#timer = setTimeout(() => void next(), Math.max(0, PLAY_MS - (performance.now() - started)));
    };
    void next();
  }

  pause(): void {
    this.playing = false;
    clearTimeout(this.#timer);
  }

  close(): void {
    this.#closed = true;
    this.pause();
    this.#latest.cancel();
  }

  async #load(step: number): Promise<void> {
    if (this.frames[step] || this.#closed) return;
    const reply = await this.decode([{ step }]);
    if (this.#closed) return;
    if (!reply.ok) {
      this.problem = reply.error.message;
      return;
    }
    this.problem = '';
    this.frames = this.frames.map((frame, n) => (n === step ? (reply.value[0] ?? null) : frame));
  }
}

interface Histogram {
  readonly counts: Uint32Array;
  /** Of the first bin's left edge. */
  readonly low: number;
  /** Of one bin. */
  readonly width: number;
}

/** Scores are sums over depths and reach from 0 to thousands below it: their size is counted in powers of ten. */
function size(score: number): number {
  return Math.log10(1 + Math.max(0, -score));
}

/** @returns the sizes of a step's scores, in equal bins from 0 to the largest of the whole generation; null without scores */
export function histogramOf(revealedAt: Uint8Array, confidence: Float32Array | null, step: number): Histogram | null {
  if (!confidence) return null;
  let high = 0;
  for (let n = 0; n < confidence.length; n++) if (revealedAt[n] !== 0) high = Math.max(high, size(confidence[n] ?? 0));
  const width = (high || 1) / BINS;
  const counts = new Uint32Array(BINS);
  for (let n = 0; n < confidence.length; n++) {
    if (revealedAt[n] !== step) continue;
    const bin = Math.min(BINS - 1, Math.floor(size(confidence[n] ?? 0) / width));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return { counts, low: 0, width };
}
