/** A few rounds in CI, many by hand. */
export const ROUNDS = Number(process.env['RESGEN_FAULT_ROUNDS'] ?? 3);

/** How long a test of that many rounds may take; each starts processes anew. */
export const TIMEOUT_MS = 60_000 + ROUNDS * 15_000;

const SEED = Number(process.env['RESGEN_FAULT_SEED'] ?? Date.now() % 2 ** 31);

/** Printed with a failure, so that it can be met again. */
export const seedNote = `RESGEN_FAULT_SEED=${SEED}`;

let state = SEED;

/** A whole number from `low` to `high`, both inside; mulberry32. */
export function random(low: number, high: number): number {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return low + (((t ^ (t >>> 14)) >>> 0) % (high - low + 1));
}
