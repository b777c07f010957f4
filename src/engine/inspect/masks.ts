import { StudioError } from '../../contract/errors.js';
import { reveal } from '../reveal.js';

/**
 * Which tokens a resampling frees, as masked depths k `[L]`: the k_i deepest tokens of position i are free, the others stay. Visible
 * tokens are a prefix of the depths by that form alone, so no mask made here can ask the generator for what it was never trained on.
 */

/** Keeps the first `depth` depths everywhere. */
export function maskBelow(L: number, D: number, depth: number): Int32Array {
  if (depth >= D) throw refusal(`There is nothing below depth ${depth}: the deepest is ${D}. Choose one from 0 to ${D - 1}.`);
  return new Int32Array(L).fill(D - depth);
}

/** Frees all depths of these positions. */
export function maskPositions(L: number, D: number, positions: readonly number[]): Int32Array {
  const k = new Int32Array(L);
  for (const position of positions) k[checkedPosition(position, L)] = D;
  return k;
}

/**
 * Frees exactly these tokens.
 * @throws StudioError `refused` where a deeper token of the same position would stay fixed
 */
export function maskTokens(L: number, D: number, tokens: readonly { position: number; depth: number }[]): Int32Array {
  const free = new Uint8Array(L * D);
  for (const { position, depth } of tokens) free[checkedPosition(position, L) * D + checkedDepth(depth, D) - 1] = 1;
  return Int32Array.from({ length: L }, (_, i) => {
    const own = free.subarray(i * D, (i + 1) * D);
    const first = own.indexOf(1);
    if (first < 0) return 0;
    const fixed = own.indexOf(0, first);
    if (fixed >= 0) throw deepTokenFixed(i, first + 1, fixed + 1, D);
    return D - first;
  });
}

/**
 * Frees `percent` of all tokens, rounded up: the least confident. How many of them a position has is how many of its deepest are freed,
 * as when the sampler reveals.
 * @param confidence `[L * D]`; NaN for tokens that were given, which go last: nobody ever doubted them
 */
export function maskLeastConfident(L: number, D: number, confidence: Float32Array | undefined, percent: number): Int32Array {
  if (!confidence) {
    throw refusal('No generator made these tokens, so they have no confidence to go by. Choose positions or a depth to resample instead.');
  }
  const n = Math.ceil((percent / 100) * L * D);
  const all = new Uint8Array(L).fill(D);
  // 0 is the score of a certain token, and what is given is a prefix of its position, as the cumulative scores want it.
  const score = confidence.map((value) => (Number.isNaN(value) ? 0 : value));
  return Int32Array.from(reveal({ k: all, D, score, gumbel: new Float32Array(L * D), tau: 0, mode: 'confidence', n }));
}

function deepTokenFixed(position: number, depth: number, fixed: number, D: number): StudioError {
  const why = 'A generator sees the first depths of a position and proposes all that is below them, so a deeper token can’t stay';
  const range = fixed === D ? `depth ${D}` : `depths ${fixed} to ${D}`;
  return refusal(
    `Depth ${depth} of position ${position} can't be resampled while depth ${fixed} of it stays. ${why}. ` +
      `Free ${range} of this position too, or set the code by hand.`,
  );
}

export function checkedPosition(position: number, L: number): number {
  if (position < L) return position;
  throw new StudioError('bad-request', `There is no position ${position}: this item has 0 to ${L - 1}. Choose one of them.`);
}

export function checkedDepth(depth: number, D: number): number {
  if (depth <= D) return depth;
  throw new StudioError('bad-request', `There is no depth ${depth}: this item has 1 to ${D}. Choose one of them.`);
}

function refusal(sentence: string): StudioError {
  return new StudioError('refused', sentence);
}
