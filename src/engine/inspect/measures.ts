import type { Codebooks } from './codebooks.js';
import { add, squares } from './codebooks.js';
import { type Tokens, checkSameShape } from './edits.js';

/** Mean square over H of what the deeper depths still add, `[L, D]`: 0 at the last depth. */
export function residualEnergy({ L, D, codes }: Tokens, codebooks: Codebooks): Float32Array {
  const energy = new Float32Array(L * D);
  for (let i = 0; i < L; i++) {
    const rest = new Float32Array(codebooks.H);
    for (let depth = D; depth >= 1; depth--) {
      energy[i * D + depth - 1] = squares(rest) / codebooks.H;
      add(rest, codebooks.embedding(depth, codes[i * D + depth - 1] ?? 0), 1);
    }
  }
  return energy;
}

/** Length of each token's embedding, `[L, D]`. */
export function tokenNorms({ D, codes }: Tokens, codebooks: Codebooks): Float32Array {
  return Float32Array.from(codes, (code, n) => Math.sqrt(squares(codebooks.embedding((n % D) + 1, code))));
}

/**
 * Where two items differ, and mean square over H of the difference of their sums up to each depth; all `[L, D]`, of `a`.
 * @param against the position of `b` that each of `a` is held against, `[L]`; without it they have to be of one shape
 * @throws StudioError `bad-request` where they are not
 */
export function compareTokens(
  a: Tokens,
  b: Tokens,
  codebooks: Codebooks,
  against: Int32Array | null = null,
): { differs: Uint8Array; distance: Float32Array; perDepth: number[] } {
  if (against === null) checkSameShape(a, b);
  const { L, D } = a;
  const other = (n: number): number => {
    const i = Math.floor(n / D);
    return b.codes[(against?.[i] ?? i) * D + (n % D)] ?? 0;
  };
  const differs = Uint8Array.from(a.codes, (code, n) => Number(code !== other(n)));
  const distance = new Float32Array(L * D);
  const perDepth = new Array<number>(D).fill(0);
  for (let i = 0; i < L; i++) {
    const apart = new Float32Array(codebooks.H);
    for (let depth = 1; depth <= D; depth++) {
      const n = i * D + depth - 1;
      if (differs[n]) {
        perDepth[depth - 1] = (perDepth[depth - 1] ?? 0) + 1;
        add(apart, codebooks.embedding(depth, a.codes[n] ?? 0), 1);
        add(apart, codebooks.embedding(depth, other(n)), -1);
      }
      distance[n] = squares(apart) / codebooks.H;
    }
  }
  return { differs, distance, perDepth };
}

/** How often each code of each depth occurs, over as many items as are added. */
export class CodeCounts {
  /** `[D, V]` */
  readonly counts: Int32Array;
  items = 0;
  positions = 0;

  constructor(
    readonly D: number,
    readonly V: number,
  ) {
    this.counts = new Int32Array(D * V);
  }

  copy(): CodeCounts {
    const copy = new CodeCounts(this.D, this.V);
    copy.counts.set(this.counts);
    copy.items = this.items;
    copy.positions = this.positions;
    return copy;
  }

  /** @param codes `[L * D]` of one item */
  add(codes: ArrayLike<number>): void {
    this.items += 1;
    this.positions += codes.length / this.D;
    for (let n = 0; n < codes.length; n++) {
      const place = (n % this.D) * this.V + (codes[n] ?? 0);
      this.counts[place] = (this.counts[place] ?? 0) + 1;
    }
  }

  /** Share of a code among the tokens of its depth; 0 where nothing was counted. */
  frequency(depth: number, code: number): number {
    return this.positions === 0 ? 0 : (this.counts[(depth - 1) * this.V + code] ?? 0) / this.positions;
  }

  /** Codes that occur at a depth, and the entropy of their distribution in bits. */
  usage(depth: number): { used: number; entropyBits: number } {
    let used = 0;
    let entropyBits = 0;
    for (let code = 0; code < this.V; code++) {
      const p = this.frequency(depth, code);
      if (p === 0) continue;
      used += 1;
      entropyBits -= p * Math.log2(p);
    }
    return { used, entropyBits };
  }
}

/** Mean square over H of each depth's embeddings over the counted tokens, as a share of the sum over depths, `[D]`. */
export function depthEnergy({ D, V, counts, positions }: CodeCounts, codebooks: Codebooks): number[] {
  const energy = Array.from({ length: D }, (_, j) => {
    let sum = 0;
    for (let code = 0; code < V; code++) {
      const count = counts[j * V + code] ?? 0;
      if (count > 0) sum += count * squares(codebooks.embedding(j + 1, code));
    }
    return positions === 0 ? 0 : sum / positions;
  });
  const total = energy.reduce((a, b) => a + b, 0);
  return energy.map((own) => (total === 0 ? 0 : own / total));
}
