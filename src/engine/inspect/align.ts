import { setImmediate } from 'node:timers/promises';
import { type Codebooks, PRODUCTS_PER_TURN, squaredDistance } from './codebooks.js';
import type { Tokens } from './edits.js';

/** What is said, and how long each phone lasts. */
export interface Timed {
  phones: readonly string[];
  /** Milliseconds of each phone; they fill the item from its start. */
  ms: readonly number[];
}

/** Whether two items say the same phones, at times of their own. */
export function saySame(a: Timed, b: Timed): boolean {
  return a.phones.length > 0 && a.phones.length === b.phones.length && a.phones.every((phone, n) => phone === b.phones[n]);
}

/**
 * The position of `b` that is as far into the same phone as each position of `a`, `[L]`, never decreasing.
 * @param positionMs how long a position is
 */
export function alignPhones(a: Timed & { L: number }, b: Timed & { L: number }, positionMs: number): Int32Array {
  const [ends, others] = [endsOf(a, positionMs), endsOf(b, positionMs)];
  let n = 0;
  return Int32Array.from({ length: a.L }, (_, i) => {
    const middle = i + 0.5;
    while (n < ends.length - 1 && middle >= (ends[n] ?? 0)) n++;
    const share = (from: number, until: number): number => (until > from ? Math.min(1, (middle - from) / (until - from)) : 0.5);
    const [start, other] = [ends[n - 1] ?? 0, others[n - 1] ?? 0];
    const place = other + share(start, ends[n] ?? 0) * ((others[n] ?? 0) - other);
    return Math.max(0, Math.min(b.L - 1, Math.floor(place)));
  });
}

/** Where each phone ends, in positions; what comes after the last phone is one of its own. */
function endsOf({ ms, L }: Timed & { L: number }, positionMs: number): number[] {
  let time = 0;
  return [...ms.map((length) => (time += length) / positionMs), L];
}

/** By which step a path came to a pair of positions: on in both items, in ours alone, or in theirs alone. */
const BOTH = 0;
const OURS = 1;
const THEIRS = 2;

/**
 * The position of `b` that sounds most like each position of `a`, `[L]`, never decreasing: dynamic time warping over the sums of all depths
 * (Sakoe and Chiba, 1978), without slopes ruled out. Takes L times L' times H multiplications, and gives the event loop a turn now and then.
 */
export async function alignTokens(a: Tokens, b: Tokens, codebooks: Codebooks): Promise<Int32Array> {
  const sums = ({ L, D, codes }: Tokens): Float32Array[] =>
    Array.from({ length: L }, (_, i) => codebooks.sum(codes.subarray(i * D, (i + 1) * D)));
  const [ours, theirs] = [sums(a), sums(b)];
  const came = new Uint8Array(a.L * b.L);
  /** Least cost of a path to each position of b and the position of a that is done last. */
  let cost = new Float64Array(b.L).fill(Infinity);
  let products = 0;
  for (const [i, z] of ours.entries()) {
    const next = new Float64Array(b.L);
    for (const [j, other] of theirs.entries()) {
      const both = i === 0 && j === 0 ? 0 : j === 0 ? Infinity : (cost[j - 1] ?? Infinity);
      const up = cost[j] ?? Infinity;
      const left = j === 0 ? Infinity : (next[j - 1] ?? Infinity);
      // Side by side where it costs no more: equal items are one to one.
      const from = both <= up && both <= left ? BOTH : up <= left ? OURS : THEIRS;
      came[i * b.L + j] = from;
      next[j] = squaredDistance(z, other) + Math.min(both, up, left);
    }
    cost = next;
    products += b.L * codebooks.H;
    if (products >= PRODUCTS_PER_TURN) {
      products = 0;
      await setImmediate();
    }
  }
  return middles(came, a.L, b.L);
}

/** Back along the path: of the positions of b that each of a is held against, the middle one. */
function middles(came: Uint8Array, L: number, other: number): Int32Array {
  const first = new Int32Array(L);
  const last = new Int32Array(L).fill(-1);
  for (let i = L - 1, j = other - 1; i >= 0 && j >= 0;) {
    first[i] = j;
    if ((last[i] ?? 0) < 0) last[i] = j;
    const from = came[i * other + j];
    if (from !== THEIRS) i--;
    if (from !== OURS) j--;
  }
  return first.map((from, i) => Math.floor((from + (last[i] ?? from)) / 2));
}
