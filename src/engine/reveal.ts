import { StudioError } from '../contract/errors.js';
import type { Reveal } from '../contract/sampling.js';

export interface RevealInput {
  /** Masked depths of each position, `[L]`: position i's `k[i]` deepest tokens are masked. */
  k: Uint8Array;
  /** Depths a position. */
  D: number;
  /** `[L * D]`: confidence of each masked token, cumulative over depth and so never increasing along it. */
  score: Float32Array;
  /** `[L * D]`: standard Gumbel noise. */
  gumbel: Float32Array;
  /** Weight of that noise at this step: tau_t = tau (1 - t / T). Not used by 'random'. */
  tau: number;
  mode: Reveal;
  /** How many tokens stay masked. */
  n: number;
}

/**
 * Chooses which `n` of the masked tokens stay masked and returns how many that are at each position, `[L]`.
 *
 * Masked tokens are ranked and the `n` lowest stay masked. Only the NUMBER that stays at each position counts: its k deepest tokens are
 * the masked ones, so what is visible remains a prefix of the depths, coarse to fine, and a revealed token is never masked again.
 *
 * - `confidence` ranks by score + tau_t * gumbel. The score is cumulative over depth, so without noise the tokens chosen at a position
 *   are such a prefix already.
 * - `random` ranks by the noise alone. Independent noise makes every subset of n masked tokens equally likely, so the counts are a draw
 *   of n tokens without replacement from groups of sizes k_1 .. k_L: the multivariate hypergeometric posterior q(k_t | k_{t-1}) of the
 *   paper, exactly.
 */
export function reveal({ k, D, score, gumbel, tau, mode, n }: RevealInput): Uint8Array {
  const L = k.length;
  let masked = 0;
  for (const k_i of k) masked += k_i;
  if (n >= masked) return k.slice();
  const kNext = new Uint8Array(L);
  if (n <= 0) return kNext;

  // In float64, so that adding the noise makes no ties that the float32 scores did not have.
  const rank = new Float64Array(masked);
  let m = 0;
  for (let i = 0; i < L; i++) {
    for (let j = D - at(k, i); j < D; j++) {
      const noise = at(gumbel, i * D + j);
      rank[m++] = mode === 'random' ? noise : at(score, i * D + j) + tau * noise;
    }
  }

  // A typed array sorts natively: for some thousand numbers faster than any selection written here.
  const sorted = rank.slice().sort();
  // NaN sorts last: one look tells whether there is any.
  if (Number.isNaN(at(sorted, masked - 1))) {
    throw new StudioError(
      'bad-model',
      'The model gave a confidence that is not a number. Verify its package, or choose the CPU in Settings.',
    );
  }
  const threshold = at(sorted, n - 1);
  // Of equal ranks at the threshold only as many stay as are still needed, so that exactly n tokens stay masked.
  let below = 0;
  while (at(sorted, below) < threshold) below++;
  let equalsLeft = n - below;
  m = 0;
  for (let i = 0; i < L; i++) {
    let stay = 0;
    for (let j = 0; j < at(k, i); j++) {
      const value = at(rank, m++);
      if (value < threshold) stay++;
      else if (value === threshold && equalsLeft > 0) {
        equalsLeft--;
        stay++;
      }
    }
    kNext[i] = stay;
  }
  return kNext;
}

/** Reads an index that the loops above keep in range; NaN, which the check above reports, were it ever not. */
function at(array: { readonly [index: number]: number }, index: number): number {
  return array[index] ?? Number.NaN;
}
