import type { Schedule } from '../../contract/sampling.js';
import { maskedAfter } from '../schedule.js';
import type { Tokens } from './edits.js';

/** How many depths of each position are visible after step t, `[L]`: those given or revealed by then. At the last step all of them. */
export function visibleAfter({ L, D }: Pick<Tokens, 'L' | 'D'>, revealedAt: Uint8Array, t: number): Int32Array {
  return Int32Array.from({ length: L }, (_, i) => {
    let depth = 0;
    while (depth < D && (revealedAt[i * D + depth] ?? 0) <= t) depth++;
    return depth;
  });
}

/** Tokens masked after each step 0..T, and what the schedule asked for at those steps. */
export function maskedCounts(
  revealedAt: Uint8Array,
  schedule: Schedule,
  T: number,
): { masked: number[]; scheduled: number[]; given: number } {
  const revealed = new Array<number>(T + 1).fill(0);
  for (const step of revealedAt) revealed[step] = (revealed[step] ?? 0) + 1;
  const given = revealed[0] ?? 0;
  const N = revealedAt.length - given;
  let left = revealedAt.length;
  const masked = revealed.map((count) => (left -= count));
  return { masked, scheduled: masked.map((_, t) => maskedAfter(schedule, t, T, N)), given };
}
