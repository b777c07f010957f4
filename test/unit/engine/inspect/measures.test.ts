import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodeCounts, compareTokens, depthEnergy, residualEnergy, tokenNorms } from '../../../../src/engine/inspect/measures.js';
import { principalPlane } from '../../../../src/engine/inspect/plane.js';
import { H, V, codebooksOf, pair, tokensAndDepth } from './arbitraries.js';

const meanSquare = (z: Float32Array): number => z.reduce((sum, value) => sum + value * value, 0) / H;

describe('residual energy', () => {
  it('is what the deeper depths add, and nothing at the last', () => {
    fc.assert(
      fc.property(tokensAndDepth, ({ tokens }) => {
        const { L, D, codes } = tokens;
        const codebooks = codebooksOf(D);
        const energy = residualEnergy(tokens, codebooks);
        const norms = tokenNorms(tokens, codebooks);
        for (let i = 0; i < L; i++) {
          const own = codes.subarray(i * D, (i + 1) * D);
          for (let depth = 1; depth <= D; depth++) {
            expect(energy[i * D + depth - 1]).toBeCloseTo(meanSquare(codebooks.sum(own, depth)), 5);
            expect(norms[i * D + depth - 1]).toBeCloseTo(codebooks.norms(depth)[own[depth - 1] ?? 0] ?? Number.NaN, 5);
          }
          expect(energy[i * D + D - 1]).toBe(0);
        }
      }),
    );
  });
});

describe('comparing', () => {
  it('finds where codes differ, and how far the sums are apart', () => {
    fc.assert(
      fc.property(pair, ({ a, b }) => {
        const { L, D } = a;
        const codebooks = codebooksOf(D);
        const { differs, distance, perDepth } = compareTokens(a, b, codebooks);
        expect([...differs]).toEqual([...a.codes].map((code, n) => Number(code !== b.codes[n])));
        expect(perDepth.reduce((sum, count) => sum + count, 0)).toBe(differs.reduce((sum, one) => sum + one, 0));
        for (let i = 0; i < L; i++) {
          const [x, y] = [a, b].map(({ codes }) => codebooks.sum(codes.subarray(i * D, (i + 1) * D))) as [Float32Array, Float32Array];
          expect(distance[i * D + D - 1]).toBeCloseTo(meanSquare(x.map((value, h) => value - (y[h] ?? 0))), 5);
        }
        expect(compareTokens(a, a, codebooks).distance.every((apart) => apart === 0)).toBe(true);
      }),
    );
  });
});

describe('usage of codes', () => {
  it('counts codes by depth; the entropy is that of their shares', () => {
    const counts = new CodeCounts(2, V);
    counts.add([0, 5, 1, 5]);
    counts.add([2, 5, 3, 5]);
    expect(counts).toMatchObject({ items: 2, positions: 4 });
    expect(counts.usage(1)).toEqual({ used: 4, entropyBits: 2 });
    expect(counts.usage(2)).toMatchObject({ used: 1 });
    expect(counts.usage(2).entropyBits).toBeCloseTo(0);
    expect(counts.frequency(1, 2)).toBe(0.25);
    expect(counts.frequency(2, 0)).toBe(0);
    const energy = depthEnergy(counts, codebooksOf(2));
    expect(energy.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1);
    expect(depthEnergy(new CodeCounts(2, V), codebooksOf(2))).toEqual([0, 0]);
  });
});

describe('the plane of a depth', () => {
  it('has the codes about their mean, along two axes at right angles, the first the longer', () => {
    const { points, explained } = principalPlane(codebooksOf(2), 1);
    expect(points).toHaveLength(2 * V);
    const along = (f: (x: number, y: number) => number): number =>
      Array.from({ length: V }, (_, code) => f(points[2 * code] ?? 0, points[2 * code + 1] ?? 0)).reduce((sum, value) => sum + value, 0);
    expect(along((x) => x)).toBeCloseTo(0, 4);
    expect(along((_, y) => y)).toBeCloseTo(0, 4);
    expect(along((x, y) => x * y)).toBeCloseTo(0, 3);
    expect(along((x) => x * x)).toBeGreaterThanOrEqual(along((_, y) => y * y));
    expect(explained[0] + explained[1]).toBeLessThanOrEqual(1 + 1e-6);
  });
});

describe('nearest codes', () => {
  it('are the others in the order of their distance', () => {
    const near = codebooksOf(2).nearest(1, 3, V);
    expect(near.map(({ code }) => code).sort()).toEqual([0, 1, 2, 4, 5, 6, 7]);
    expect(near.map(({ distance }) => distance)).toEqual(near.map(({ distance }) => distance).sort((a, b) => a - b));
  });
});
