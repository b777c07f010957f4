import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Engine } from '../../../../src/engine/engine.js';
import { maskedCounts, visibleAfter } from '../../../../src/engine/inspect/replay.js';
import { TINY, TINY_SHAPE, SAMPLING } from '../fixtures.js';
import { shape } from './arbitraries.js';

describe('replay', () => {
  it('shows what the sampler had after each step, and ends at the stored tokens', async () => {
    const engine = await Engine.load(TINY, { provider: 'cpu' });
    const seen: { step: number; k: number[]; masked: number }[] = [];
    const [picture] = await engine.generate([{ condition: 1, seed: 42 }], SAMPLING, {
      onStep: ({ step, k, masked }) => seen.push({ step, k: [...(k[0] ?? [])], masked }),
    });
    if (!picture) throw new Error('no picture');
    const { L, D } = TINY_SHAPE;
    for (const { step, k } of seen) {
      expect([...visibleAfter({ L, D }, picture.revealedAt, step)]).toEqual(k.map((k_i) => D - k_i));
    }
    expect([...visibleAfter({ L, D }, picture.revealedAt, SAMPLING.steps)]).toEqual(new Array(L).fill(D));
    expect([...visibleAfter({ L, D }, picture.revealedAt, 0)]).toEqual(new Array(L).fill(0));

    const counts = maskedCounts(picture.revealedAt, SAMPLING.schedule, SAMPLING.steps);
    expect(counts).toMatchObject({ given: 0, masked: [L * D, ...seen.map(({ masked }) => masked)] });
    expect(counts.scheduled).toEqual(counts.masked);

    expect(await engine.decode(picture.tokens, D)).toEqual(picture.pixels);
    await engine.dispose();
  });

  it('never hides again what it showed', () => {
    const generation = shape.chain(({ L, D }) =>
      fc.record({
        L: fc.constant(L),
        D: fc.constant(D),
        // Steps that rise over depth, as a prefix is what becomes visible.
        steps: fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: D, maxLength: D }), { minLength: L, maxLength: L }),
      }),
    );
    fc.assert(
      fc.property(generation, ({ L, D, steps }) => {
        const revealedAt = Uint8Array.from(steps.flatMap((row) => [...row].sort((a, b) => a - b)));
        let before: Int32Array = new Int32Array(L);
        for (let t = 0; t <= 9; t++) {
          const now = visibleAfter({ L, D }, revealedAt, t);
          now.forEach((depth, i) => expect(depth).toBeGreaterThanOrEqual(before[i] ?? 0));
          const masked = maskedCounts(revealedAt, 'circle', 9).masked[t];
          expect(masked).toBe(L * D - now.reduce((sum, depth) => sum + depth, 0));
          before = now;
        }
        expect([...before]).toEqual(new Array(L).fill(D));
      }),
    );
  });
});
