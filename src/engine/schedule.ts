import type { Schedule } from '../contract/sampling.js';

/** Steepness of the exponential schedule. The paper compares an exponential but prints no formula: this one is ours. */
const STEEPNESS = 5;

/** gamma(r): masked share of the tokens at progress r in [0, 1]. Falls from gamma(0) = 1 to gamma(1) = 0. */
export function gamma(schedule: Schedule, r: number): number {
  switch (schedule) {
    case 'circle':
      return Math.sqrt(1 - r * r);
    case 'cosine':
      return Math.cos((Math.PI * r) / 2);
    case 'exponential':
      return (1 - Math.exp(-STEEPNESS * (1 - r))) / (1 - Math.exp(-STEEPNESS));
  }
}

/**
 * n_t = ceil(gamma(t / T) * N): tokens still masked after step t of T, of the N that were masked at the start. n_T is 0.
 * The small subtraction keeps a rounding error just above an integer from adding a token.
 */
export function maskedAfter(schedule: Schedule, t: number, T: number, N: number): number {
  if (t >= T) return 0;
  return Math.max(0, Math.ceil(gamma(schedule, t / T) * N - 1e-9));
}
