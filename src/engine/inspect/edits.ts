import { StudioError } from '../../contract/errors.js';
import type { Codebooks } from './codebooks.js';
import { add } from './codebooks.js';
import { checkedDepth, checkedPosition } from './masks.js';

/** Tokens `[L * D]`, flat and row-major, with the shape that tells what they are. */
export interface Tokens {
  L: number;
  D: number;
  codes: Int32Array;
}

/** Puts single codes. Every other token stays. */
export function setCodes(
  { L, D, codes }: Tokens,
  V: number,
  changes: readonly { position: number; depth: number; code: number }[],
): Int32Array {
  const edited = codes.slice();
  for (const { position, depth, code } of changes) {
    if (code >= V) throw new StudioError('bad-request', `There is no code ${code}: this model has 0 to ${V - 1}. Choose one of them.`);
    edited[checkedPosition(position, L) * D + checkedDepth(depth, D) - 1] = code;
  }
  return edited;
}

/** Depths 1..at of `a` and at + 1..D of `b`: `b` itself at 0, `a` itself at D. */
export function swapDepths(a: Tokens, b: Tokens, at: number): Int32Array {
  checkSameShape(a, b);
  const { L, D } = a;
  if (at > D) throw new StudioError('bad-request', `There is no depth ${at} to swap at: these items have ${D}. Choose one from 0 to ${D}.`);
  const edited = b.codes.slice();
  for (let i = 0; i < L; i++) edited.set(a.codes.subarray(i * D, i * D + at), i * D);
  return edited;
}

/**
 * Quantises (1 - alpha) times the sum of `a`'s embeddings plus alpha times that of `b`'s. At 0 and 1 it is the item itself, not
 * quantised again: its tokens need not be the nearest ones to their own sum.
 */
export async function blend(a: Tokens, b: Tokens, alpha: number, codebooks: Codebooks): Promise<Int32Array> {
  checkSameShape(a, b);
  if (alpha === 0) return a.codes.slice();
  if (alpha === 1) return b.codes.slice();
  const { L, D } = a;
  const { H } = codebooks;
  const z = new Float32Array(L * H);
  for (let i = 0; i < L; i++) {
    const own = z.subarray(i * H, (i + 1) * H);
    add(own, codebooks.sum(a.codes.subarray(i * D, (i + 1) * D)), 1 - alpha);
    add(own, codebooks.sum(b.codes.subarray(i * D, (i + 1) * D)), alpha);
  }
  return codebooks.quantise(z);
}

/** Gives every position the code of `depth` that is nearest to nothing. */
export function zeroDepth({ L, D, codes }: Tokens, depth: number, codebooks: Codebooks): Int32Array {
  checkedDepth(depth, D);
  const quietest = codebooks.quietest(depth);
  const edited = codes.slice();
  for (let i = 0; i < L; i++) edited[i * D + depth - 1] = quietest;
  return edited;
}

/** @throws StudioError `bad-request` */
export function checkSameShape(a: Tokens, b: Tokens): void {
  if (a.L === b.L && a.D === b.D) return;
  throw new StudioError(
    'bad-request',
    `These items do not fit together: one has ${a.L} positions of ${a.D} tokens and the other ${b.L} of ${b.D}. Choose two of the same size.`,
  );
}
