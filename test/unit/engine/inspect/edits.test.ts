import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blend, setCodes, swapDepths, zeroDepth } from '../../../../src/engine/inspect/edits.js';
import { V, codebooksOf, kept, pair, shape, tokensAndDepth, tokensOf } from './arbitraries.js';

describe('swapping depths', () => {
  it('takes the first depths of the one and the others of the other, bit for bit', () => {
    fc.assert(
      fc.property(pair, ({ a, b, depth }) => {
        const swapped = { ...a, codes: swapDepths(a, b, depth) };
        expect(kept(swapped, (_, d) => d <= depth)).toEqual(kept(a, (_, d) => d <= depth));
        expect(kept(swapped, (_, d) => d > depth)).toEqual(kept(b, (_, d) => d > depth));
      }),
    );
  });

  it('returns a parent at 0 and at D, and leaves both parents alone', () => {
    fc.assert(
      fc.property(pair, ({ a, b }) => {
        const [before, other] = [a.codes.slice(), b.codes.slice()];
        expect(swapDepths(a, b, 0)).toEqual(other);
        expect(swapDepths(a, b, a.D)).toEqual(before);
        expect(a.codes).toEqual(before);
        expect(b.codes).toEqual(other);
      }),
    );
  });

  it('refuses items of different shapes and depths that are not there', () => {
    const [a] = fc.sample(tokensOf({ L: 4, D: 3 }), 1);
    const [b] = fc.sample(tokensOf({ L: 4, D: 2 }), 1);
    if (!a || !b) throw new Error('no sample');
    expect(() => swapDepths(a, b, 1)).toThrow('one has 4 positions of 3 tokens and the other 4 of 2');
    expect(() => swapDepths(a, a, 4)).toThrow('There is no depth 4 to swap at');
  });
});

describe('setting codes', () => {
  it('changes those and nothing else', () => {
    const changes = shape.chain((size) =>
      fc.record({
        tokens: tokensOf(size),
        position: fc.nat(size.L - 1),
        depth: fc.integer({ min: 1, max: size.D }),
        code: fc.nat(V - 1),
      }),
    );
    fc.assert(
      fc.property(changes, ({ tokens, position, depth, code }) => {
        const edited = { ...tokens, codes: setCodes(tokens, V, [{ position, depth, code }]) };
        const here = (i: number, d: number): boolean => i === position && d === depth;
        expect(kept(edited, here)).toEqual([code]);
        expect(kept(edited, (i, d) => !here(i, d))).toEqual(kept(tokens, (i, d) => !here(i, d)));
      }),
    );
  });

  it('refuses places and codes that are not there', () => {
    const tokens = { L: 2, D: 2, codes: Int32Array.of(0, 1, 2, 3) };
    expect(() => setCodes(tokens, V, [{ position: 2, depth: 1, code: 0 }])).toThrow('There is no position 2');
    expect(() => setCodes(tokens, V, [{ position: 0, depth: 3, code: 0 }])).toThrow('There is no depth 3');
    expect(() => setCodes(tokens, V, [{ position: 0, depth: 1, code: V }])).toThrow('There is no code 8');
  });
});

describe('zeroing a depth', () => {
  it('keeps every other depth, and puts the shortest code everywhere', () => {
    fc.assert(
      fc.property(tokensAndDepth, ({ tokens, depth }) => {
        fc.pre(depth > 0);
        const codebooks = codebooksOf(tokens.D);
        const edited = { ...tokens, codes: zeroDepth(tokens, depth, codebooks) };
        expect(kept(edited, (_, d) => d !== depth)).toEqual(kept(tokens, (_, d) => d !== depth));
        const norms = [...codebooks.norms(depth)];
        for (const code of kept(edited, (_, d) => d === depth)) expect(norms[code]).toBe(Math.min(...norms));
      }),
    );
  });
});

describe('blending', () => {
  it('is a parent at 0 and 1', async () => {
    await fc.assert(
      fc.asyncProperty(pair, async ({ a, b }) => {
        const codebooks = codebooksOf(a.D);
        expect(await blend(a, b, 0, codebooks)).toEqual(a.codes);
        expect(await blend(a, b, 1, codebooks)).toEqual(b.codes);
      }),
    );
  });

  it('gives, depth by depth, the code nearest to what is left of the mean', async () => {
    await fc.assert(
      fc.asyncProperty(pair, fc.double({ min: 0.1, max: 0.9, noNaN: true }), async ({ a, b }, alpha) => {
        const { L, D } = a;
        const codebooks = codebooksOf(D);
        const codes = await blend(a, b, alpha, codebooks);
        for (let i = 0; i < L; i++) {
          const [from, to] = [codebooks.sum(a.codes.subarray(i * D, (i + 1) * D)), codebooks.sum(b.codes.subarray(i * D, (i + 1) * D))];
          let rest = from.map((value, h) => (1 - alpha) * value + alpha * (to[h] ?? 0));
          for (let depth = 1; depth <= D; depth++) {
            const left = Array.from({ length: V }, (_, code) => {
              const e = codebooks.embedding(depth, code);
              return rest.map((value, h) => value - (e[h] ?? 0));
            });
            const energy = left.map((r) => r.reduce((sum, value) => sum + value * value, 0));
            const chosen = codes[i * D + depth - 1] ?? -1;
            // Not the index: two codes may be equally near.
            expect(energy[chosen]).toBeLessThanOrEqual(Math.min(...energy) + 1e-5);
            rest = left[chosen] ?? rest;
          }
        }
      }),
      { numRuns: 30 },
    );
  });
});
