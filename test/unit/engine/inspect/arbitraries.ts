import fc from 'fast-check';
import { Codebooks } from '../../../../src/engine/inspect/codebooks.js';
import type { Tokens } from '../../../../src/engine/inspect/edits.js';

/** Codes a depth and code width of everything made here. */
export const V = 8;
export const H = 3;

export const shape = fc.record({ L: fc.integer({ min: 1, max: 6 }), D: fc.integer({ min: 1, max: 5 }) });

export const tokensOf = ({ L, D }: { L: number; D: number }): fc.Arbitrary<Tokens> =>
  fc.array(fc.nat(V - 1), { minLength: L * D, maxLength: L * D }).map((codes) => ({ L, D, codes: Int32Array.from(codes) }));

/** Any tokens, with a random depth 0..D. */
export const tokensAndDepth = shape.chain((size) => fc.record({ tokens: tokensOf(size), depth: fc.integer({ min: 0, max: size.D }) }));

/** Two items of one shape. */
export const pair = shape.chain((size) => fc.record({ a: tokensOf(size), b: tokensOf(size), depth: fc.integer({ min: 0, max: size.D }) }));

/** Codebooks whose embeddings shrink by depth, as trained ones do: a fixed function of depth, code and axis. */
export function codebooksOf(D: number): Codebooks {
  const e = Float32Array.from({ length: D * V * H }, (_, n) => {
    const [depth, code, h] = [Math.floor(n / (V * H)), Math.floor(n / H) % V, n % H];
    return Math.sin(1 + 7.3 * code + 3.1 * h + 1.7 * depth) * 0.5 ** depth;
  });
  return new Codebooks(D, V, H, e);
}

/** Tokens that pass, by position from 0 and depth from 1. */
export function kept({ D, codes }: Tokens, passes: (position: number, depth: number) => boolean): number[] {
  return [...codes].filter((_, n) => passes(Math.floor(n / D), (n % D) + 1));
}
