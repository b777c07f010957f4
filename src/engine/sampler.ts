import { setImmediate } from 'node:timers/promises';
import { StudioError } from '../contract/errors.js';
import type { TokenShape } from '../contract/model.js';
import type { Sampling } from '../contract/sampling.js';
import { reveal } from './reveal.js';
import { fillGaussian, fillGumbel, fillUniform, viewOf } from './rng.js';
import { maskedAfter } from './schedule.js';

/** Inputs of the `step` graph but for its constants (and, of a sentence, what is said and in which voice); arrays are flat and row-major, B is the batch. */
export interface StepInputs {
  B: number;
  /** `[B, L, D]`; masked entries are ignored. */
  tokens: Int32Array;
  /** `[B, L]` */
  k: Int32Array;
  /** `[B]`: class index. */
  condition: Int32Array;
  /** Scale s of this step, the same for the whole batch, as are the next two. */
  guidance: number;
  topP: number;
  noiseScale: number;
  /** `[B, L]` */
  uniform: Float32Array;
  /** `[B, L, H]` */
  gaussian: Float32Array;
  /** `[B]`: for models that take a view. */
  view: Float32Array;
}

export interface StepOutputs {
  /** `[B, L, D]`: visible tokens unchanged, masked ones proposed. */
  proposed: Int32Array;
  /** `[B, L, D]`: cumulative over the masked depths of each position. */
  confidence: Float32Array;
}

const UNKNOWN_VIEW = -1;

/** One forward pass of the generator. onnxruntime here; anything that answers alike will do. */
export type StepFunction = (inputs: StepInputs) => Promise<StepOutputs>;

/** RGB pixels `[B, S, S, 3]` of tokens `[B, L, D]`, of which position i sums its first `depth[i]` (`[B, L]`). */
export type DecodeFunction = (B: number, tokens: Int32Array, depth: Int32Array) => Promise<Uint8Array>;

export interface SampleItem {
  condition: number;
  seed: number;
  /** Tokens to keep: the deepest `k[i]` (`[L]`) of each position of `tokens` (`[L * D]`) are masked, the others stay as given. */
  fixed?: { tokens: Int32Array; k: Int32Array } | undefined;
}

export interface Sample {
  /** `[L * D]` */
  tokens: Int32Array;
  /** `[L * D]`: step 1..T at which each token was revealed, 0 for tokens that were given. */
  revealedAt: Uint8Array;
  /** `[L * D]`: score of each token when it was revealed, NaN for tokens that were given: nobody scored them. */
  confidence: Float32Array;
}

export interface StepReport {
  /** t, from 1 to `steps`. */
  step: number;
  steps: number;
  /** What each picture has so far. Live arrays: copy what is kept beyond the callback. */
  samples: readonly Readonly<Sample>[];
  /** Masked depths of every position, `[L]` for each picture. */
  k: readonly Uint8Array[];
  /** Tokens still masked in the first picture. */
  masked: number;
  /** RGB pixels `[S, S, 3]` of each picture, or none when this step has no preview. */
  previews: readonly Uint8Array[];
}

export interface SampleOptions {
  onStep?: (report: StepReport) => void;
  /** Decodes what is revealed so far, at most once in `everyMs` milliseconds. */
  preview?: { everyMs: number; decode: DecodeFunction };
  /** Asked between any two steps. */
  signal?: AbortSignal;
  /** Awaited between any two steps: short work that should not wait for all of them. */
  between?: () => Promise<void>;
}

/**
 * Samples a batch of pictures together (ResGen, section 3.3):
 *
 *     for t = 1..T:
 *       propose a token at every masked place             one call of `step`
 *       n_t = ceil(gamma(t / T) * N)                      schedule.ts
 *       the n_t least confident stay masked               reveal.ts
 *       the others are revealed and never revised
 *
 * N is the number of tokens masked at the start. Noise is a function of (seed, t) alone, so a seed gives the same tokens in any batch.
 * @throws StudioError `cancelled` when the signal ends it, `bad-request` for fixed tokens that don't fit the shape
 */
export async function sample(
  step: StepFunction,
  shape: Pick<TokenShape, 'L' | 'D' | 'V' | 'H'>,
  items: readonly SampleItem[],
  sampling: Sampling,
  options: SampleOptions = {},
): Promise<Sample[]> {
  const { L, D, H } = shape;
  const B = items.length;
  const T = sampling.steps;
  const pictures = items.map((item) => start(item, shape));
  const inputs = {
    B,
    tokens: new Int32Array(B * L * D),
    k: new Int32Array(B * L),
    condition: Int32Array.from(items, (item) => item.condition),
    topP: sampling.topP,
    noiseScale: sampling.noise,
    uniform: new Float32Array(B * L),
    gaussian: new Float32Array(B * L * H),
    // Where tokens are given they show the view, and a drawn one would contradict them.
    view: Float32Array.from(items, ({ seed, fixed }) => sampling.view ?? (fixed ? UNKNOWN_VIEW : viewOf(seed))),
  };
  const gumbel = new Float32Array(L * D);
  const previewDue = every(options.preview?.everyMs ?? Infinity);

  for (let t = 1; t <= T; t++) {
    // Also where `step` never leaves the thread: a message that cancels must get its turn.
    await setImmediate();
    await options.between?.();
    if (options.signal?.aborted) throw new StudioError('cancelled', 'Stopped. What was finished before is kept.');

    const masked = pictures.map((picture) => maskedAfter(sampling.schedule, t, T, picture.N));
    // Schedules start flat, so that the first steps of many may reveal nothing: their forward pass would be thrown away.
    if (pictures.some((picture, b) => picture.masked !== masked[b])) {
      pictures.forEach((picture, b) => {
        inputs.tokens.set(picture.sample.tokens, b * L * D);
        inputs.k.set(picture.k, b * L);
        fillUniform(inputs.uniform.subarray(b * L, (b + 1) * L), picture.seed, t);
        fillGaussian(inputs.gaussian.subarray(b * L * H, (b + 1) * L * H), picture.seed, t);
      });
      const { proposed, confidence } = await step({ ...inputs, guidance: guidanceAt(sampling, t) });
      pictures.forEach((picture, b) => {
        const score = confidence.subarray(b * L * D, (b + 1) * L * D);
        if (sampling.reveal === 'random' || sampling.tau > 0) fillGumbel(gumbel, picture.seed, t);
        const kNext = reveal({ k: picture.k, D, score, gumbel, tau: sampling.tau * (1 - t / T), mode: sampling.reveal, n: masked[b] ?? 0 });
        take(picture, kNext, proposed.subarray(b * L * D, (b + 1) * L * D), score, t, D);
        picture.masked = masked[b] ?? 0;
      });
    }

    const previews = options.preview && t < T && previewDue() ? await decodeVisible(options.preview.decode, pictures, L, D) : [];
    options.onStep?.({
      step: t,
      steps: T,
      samples: pictures.map((picture) => picture.sample),
      k: pictures.map((picture) => picture.k),
      masked: masked[0] ?? 0,
      previews,
    });
  }
  return pictures.map((picture) => picture.sample);
}

/** A picture on its way: `k` is replaced at each step, `sample` is filled in. */
interface Picture {
  seed: number;
  /** Tokens masked at the start, and now. */
  N: number;
  masked: number;
  k: Uint8Array;
  sample: Sample;
}

function start({ seed, fixed }: SampleItem, { L, D, V }: Pick<TokenShape, 'L' | 'D' | 'V'>): Picture {
  if (fixed) checkFixed(fixed, L, D, V);
  const k = fixed ? Uint8Array.from(fixed.k) : new Uint8Array(L).fill(D);
  const tokens = fixed ? fixed.tokens.slice() : new Int32Array(L * D);
  // Masked entries are ignored by the graphs, but must not be read as codes by anyone else.
  k.forEach((k_i, i) => tokens.fill(0, (i + 1) * D - k_i, (i + 1) * D));
  const N = k.reduce((sum, k_i) => sum + k_i, 0);
  return {
    seed,
    N,
    masked: N,
    k,
    sample: { tokens, revealedAt: new Uint8Array(L * D), confidence: new Float32Array(L * D).fill(Number.NaN) },
  };
}

function checkFixed({ tokens, k }: { tokens: Int32Array; k: Int32Array }, L: number, D: number, V: number): void {
  if (tokens.length !== L * D || k.length !== L) {
    throw new StudioError('bad-request', `The tokens to keep are not of this model: it has ${L} positions of ${D} tokens.`);
  }
  k.forEach((k_i, i) => {
    const kept = tokens.subarray(i * D, (i + 1) * D - k_i);
    if (k_i < 0 || k_i > D || kept.some((code) => code < 0 || code >= V)) {
      throw new StudioError(
        'bad-request',
        `The tokens to keep are not valid at position ${i + 1}: codes are 0 to ${V - 1}, masks 0 to ${D} deep.`,
      );
    }
  });
}

/** Gives the tokens that leave the mask between `picture.k` and `kNext` what was proposed for them. */
function take(picture: Picture, kNext: Uint8Array, proposed: Int32Array, score: Float32Array, t: number, D: number): void {
  const { tokens, revealedAt, confidence } = picture.sample;
  picture.k.forEach((k_i, i) => {
    const from = (i + 1) * D - k_i;
    const to = (i + 1) * D - (kNext[i] ?? 0);
    tokens.set(proposed.subarray(from, to), from);
    confidence.set(score.subarray(from, to), from);
    revealedAt.fill(t, from, to);
  });
  picture.k = kNext;
}

/** s_t rises linearly from the first step to the last; a single step takes the last's. */
function guidanceAt({ steps: T, guidanceFrom, guidanceTo }: Sampling, t: number): number {
  return T === 1 ? guidanceTo : guidanceFrom + ((guidanceTo - guidanceFrom) * (t - 1)) / (T - 1);
}

async function decodeVisible(decode: DecodeFunction, pictures: readonly Picture[], L: number, D: number): Promise<Uint8Array[]> {
  const B = pictures.length;
  const tokens = new Int32Array(B * L * D);
  const depth = new Int32Array(B * L);
  pictures.forEach((picture, b) => {
    tokens.set(picture.sample.tokens, b * L * D);
    picture.k.forEach((k_i, i) => (depth[b * L + i] = D - k_i));
  });
  return split(await decode(B, tokens, depth), B);
}

/** Cuts a batch `[B, ...]` into B copies, so that sending one across a border doesn't carry the others. */
export function split<T extends Uint8Array | Float32Array>(batch: T, B: number): T[] {
  const size = batch.length / B;
  return Array.from({ length: B }, (_, b) => batch.slice(b * size, (b + 1) * size) as T);
}

/** True at most once in `ms` milliseconds. */
function every(ms: number): () => boolean {
  let last = performance.now();
  return () => {
    const now = performance.now();
    if (now - last < ms) return false;
    last = now;
    return true;
  };
}
