import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignPhones, alignTokens, saySame } from '../../../../src/engine/inspect/align.js';
import { compareTokens } from '../../../../src/engine/inspect/measures.js';
import { codebooksOf, shape, tokensOf } from './arbitraries.js';

const rises = (positions: Int32Array): boolean => positions.every((j, i) => i === 0 || j >= (positions[i - 1] ?? 0));

describe('sounds held against each other by how alike they are', () => {
  it('are one to one where they are equal', async () => {
    await fc.assert(
      fc.asyncProperty(shape.chain(tokensOf), async (tokens) => {
        const positions = await alignTokens(tokens, tokens, codebooksOf(tokens.D));
        expect([...positions]).toEqual([...positions.keys()]);
      }),
    );
  });

  it('find each position again in a slower one, whichever of the two comes first', async () => {
    const slower = shape.chain((size) =>
      fc.record({ tokens: tokensOf(size), times: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: size.L, maxLength: size.L }) }),
    );
    await fc.assert(
      fc.asyncProperty(slower, async ({ tokens, times }) => {
        const { L, D, codes } = tokens;
        const rows = Array.from({ length: L }, (_, i) => codes.subarray(i * D, (i + 1) * D));
        const slow = times.flatMap((count, i) => Array.from({ length: count }, () => [...(rows[i] ?? [])]));
        const other = { L: slow.length, D, codes: Int32Array.from(slow.flat()) };
        const codebooks = codebooksOf(D);
        for (const [a, b] of [
          [tokens, other],
          [other, tokens],
        ] as const) {
          const positions = await alignTokens(a, b, codebooks);
          expect(positions).toHaveLength(a.L);
          expect(rises(positions)).toBe(true);
          expect(positions.every((j) => j >= 0 && j < b.L)).toBe(true);
          const { distance, perDepth } = compareTokens(a, b, codebooks, positions);
          expect(Math.max(...distance)).toBeLessThan(1e-9);
          expect(perDepth.every((count) => count === 0)).toBe(true);
        }
      }),
    );
  });
});

describe('sounds held against each other by their phones', () => {
  const phones = ['_', 'F', 'AY1', 'N', '_'];

  it('are as far into the same phone, whatever the times', () => {
    const slow = { L: 14, phones, ms: [20, 40, 40, 20, 20] };
    const fast = { L: 7, phones, ms: [10, 20, 20, 10, 10] };
    expect([...alignPhones(slow, fast, 10)]).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]);
    expect([...alignPhones(fast, slow, 10)]).toEqual([1, 3, 5, 7, 9, 11, 13]);
    expect([...alignPhones(slow, slow, 10)]).toEqual([...Array(14).keys()]);
  });

  it('never go back or beyond an end', () => {
    const ms = fc.array(fc.double({ min: 0, max: 200, noNaN: true }), { minLength: phones.length, maxLength: phones.length });
    const length = fc.integer({ min: 1, max: 60 });
    fc.assert(
      fc.property(ms, length, ms, length, (ours, L, theirs, other) => {
        const positions = alignPhones({ L, phones, ms: ours }, { L: other, phones, ms: theirs }, 12.5);
        expect(positions).toHaveLength(L);
        expect(rises(positions)).toBe(true);
        expect(positions.every((j) => j >= 0 && j < other)).toBe(true);
      }),
    );
  });

  it('say the same only where every phone is the same, and there is one', () => {
    const timed = (said: string[]) => ({ phones: said, ms: said.map(() => 10) });
    expect(saySame(timed(phones), timed(phones))).toBe(true);
    expect(saySame(timed(phones), timed(phones.slice(1)))).toBe(false);
    expect(saySame(timed(['F']), timed(['V']))).toBe(false);
    expect(saySame(timed([]), timed([]))).toBe(false);
  });
});
