import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskBelow, maskLeastConfident, maskPositions, maskTokens } from '../../../../src/engine/inspect/masks.js';
import { type StepFunction, sample } from '../../../../src/engine/sampler.js';
import { SAMPLING } from '../fixtures.js';
import { H, V, kept, shape, tokensAndDepth, tokensOf } from './arbitraries.js';

/** A generator that proposes another code than the one that is there, with confidence that falls by depth. */
const otherCodes: StepFunction = ({ tokens, k }) => {
  const D = tokens.length / k.length;
  return Promise.resolve({
    proposed: tokens.map((code) => (code + 1) % V),
    confidence: Float32Array.from(tokens, (_, n) => -1 - (n % D)),
  });
};

const resample = async (tokens: { L: number; D: number; codes: Int32Array }, k: Int32Array): Promise<Int32Array> => {
  const { L, D, codes } = tokens;
  const items = [{ condition: 0, seed: 5, fixed: { tokens: codes, k } }];
  const [one] = await sample(otherCodes, { L, D, V, H }, items, SAMPLING);
  return one?.tokens ?? new Int32Array();
};

describe('resampling', () => {
  it('below a depth keeps the depths above it, bit for bit', async () => {
    await fc.assert(
      fc.asyncProperty(tokensAndDepth, async ({ tokens, depth }) => {
        fc.pre(depth < tokens.D);
        const edited = { ...tokens, codes: await resample(tokens, maskBelow(tokens.L, tokens.D, depth)) };
        expect(kept(edited, (_, d) => d <= depth)).toEqual(kept(tokens, (_, d) => d <= depth));
      }),
    );
  });

  it('of positions keeps all others, bit for bit', async () => {
    const some = shape.chain((size) => fc.record({ tokens: tokensOf(size), positions: fc.subarray([...Array(size.L).keys()]) }));
    await fc.assert(
      fc.asyncProperty(some, async ({ tokens, positions }) => {
        const edited = { ...tokens, codes: await resample(tokens, maskPositions(tokens.L, tokens.D, positions)) };
        const outside = (i: number): boolean => !positions.includes(i);
        expect(kept(edited, outside)).toEqual(kept(tokens, outside));
      }),
    );
  });

  it('frees chosen tokens where nothing deeper stays', () => {
    expect(maskTokens(3, 3, [])).toEqual(Int32Array.of(0, 0, 0));
    const tokens = [
      { position: 0, depth: 3 },
      { position: 2, depth: 1 },
      { position: 2, depth: 3 },
      { position: 2, depth: 2 },
    ];
    expect(maskTokens(3, 3, tokens)).toEqual(Int32Array.of(1, 0, 3));
  });

  it('refuses a fixed deep token over a free shallow one, and says why', () => {
    const refused = (): unknown => maskTokens(4, 3, [{ position: 1, depth: 2 }]);
    expect(refused).toThrow(expect.objectContaining({ code: 'refused' }) as Error);
    expect(refused).toThrow("Depth 2 of position 1 can't be resampled while depth 3 of it stays.");
    expect(refused).toThrow('A generator sees the first depths of a position and proposes all that is below them');
  });

  it('frees just as many of the least confident as asked for, and never a surer one before', () => {
    const scored = shape.chain((size) =>
      fc.record({
        size: fc.constant(size),
        scores: fc.array(fc.integer({ min: -1000, max: 0 }), { minLength: size.L * size.D, maxLength: size.L * size.D }),
        percent: fc.integer({ min: 1, max: 100 }),
      }),
    );
    fc.assert(
      fc.property(scored, ({ size: { L, D }, scores, percent }) => {
        // Cumulative over depth, as the step graph gives them.
        const confidence = Float32Array.from(scores);
        for (let n = 0; n < confidence.length; n++) if (n % D > 0) confidence[n] = (confidence[n] ?? 0) + (confidence[n - 1] ?? 0);
        const k = maskLeastConfident(L, D, confidence, percent);
        expect(k.reduce((sum, k_i) => sum + k_i, 0)).toBe(Math.ceil((percent / 100) * L * D));
        const free = (n: number): boolean => n % D >= D - (k[Math.floor(n / D)] ?? 0);
        const freed = [...confidence].filter((_, n) => free(n));
        const staying = [...confidence].filter((_, n) => !free(n));
        if (staying.length > 0) expect(Math.max(...freed)).toBeLessThanOrEqual(Math.min(...staying));
      }),
    );
  });

  it('frees what was given, and has no confidence, after all others', () => {
    const confidence = Float32Array.of(Number.NaN, -1, -2, Number.NaN, Number.NaN, -3);
    expect(maskLeastConfident(2, 3, confidence, 50)).toEqual(Int32Array.of(2, 1));
    expect(maskLeastConfident(2, 3, confidence, 100)).toEqual(Int32Array.of(3, 3));
  });

  it('refuses what has no confidence, and places that are not there', () => {
    expect(() => maskLeastConfident(2, 2, undefined, 50)).toThrow('No generator made these tokens');
    expect(() => maskBelow(2, 2, 2)).toThrow('There is nothing below depth 2');
    expect(() => maskPositions(2, 2, [2])).toThrow('There is no position 2');
    expect(() => maskTokens(2, 2, [{ position: 0, depth: 3 }])).toThrow('There is no depth 3');
  });
});
