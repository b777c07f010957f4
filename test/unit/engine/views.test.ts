import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Engine, maskBelow, maskPositions, visibleAfter } from '../../../src/engine/index.js';
import { SAMPLING, TINY } from './fixtures.js';

async function withEngine(folder: string, work: (engine: Engine) => Promise<void>): Promise<void> {
  const engine = await Engine.load(folder, { provider: 'cpu', threads: 1 });
  try {
    await work(engine);
  } finally {
    await engine.dispose();
  }
}

/** A picture that is nothing in particular, but has some edges. */
function pattern(size: number): Uint8Array {
  return Uint8Array.from({ length: size * size * 3 }, (_, n) => ((n % 7) * 36 + Math.floor(n / (size * 24)) * 50) % 256);
}

describe.each([
  ['tiny', TINY],
  ['fruits', resolve('resources/models/fruits')],
])('views of %s', (_name, folder) => {
  test('an encoded picture at full depth is the decode of its stored tokens', async () => {
    await withEngine(folder, async (engine) => {
      const { image, tokens: shape } = engine.pack.manifest;
      const { tokens } = await engine.encode(pattern(image?.size ?? 0));
      const full = new Int32Array(shape.L).fill(shape.D);
      const none = new Int32Array(shape.L);
      const [atFull, atNone] = await engine.decodeViews(2, Int32Array.of(...tokens, ...tokens), Int32Array.of(...full, ...none));
      expect(atFull).toEqual(await engine.decode(tokens, shape.D));
      expect(atNone).not.toEqual(atFull);
    });
    // A package that ships is probed when it is loaded, which takes its time on a busy machine.
  }, 180_000);
});

describe('resampling', () => {
  test.each([
    ['below a depth', (L: number, D: number) => maskBelow(L, D, 2)],
    ['of positions', (L: number, D: number) => maskPositions(L, D, [0, 3])],
  ])('%s keeps every other token bit for bit, and replays to what it made', async (_what, mask) => {
    await withEngine(TINY, async (engine) => {
      const { L, D } = engine.pack.manifest.tokens;
      const [parent] = await engine.generate([{ condition: 0, seed: 7 }], SAMPLING);
      const tokens = parent?.tokens ?? new Int32Array();
      const k = mask(L, D);
      const [made] = await engine.generate([{ condition: 0, seed: 8, fixed: { tokens, k } }], SAMPLING);
      const kept = [...tokens.keys()].filter((n) => n % D < D - (k[Math.floor(n / D)] ?? 0));
      expect(kept.length).toBeGreaterThan(0);
      expect(kept.map((n) => made?.tokens[n])).toEqual(kept.map((n) => tokens[n]));
      const revealedAt = made?.revealedAt ?? new Uint8Array();
      expect(kept.every((n) => revealedAt[n] === 0)).toBe(true);
      expect(visibleAfter({ L, D }, revealedAt, SAMPLING.steps)).toEqual(new Int32Array(L).fill(D));
      expect(visibleAfter({ L, D }, revealedAt, 0)).toEqual(k.map((k_i) => D - k_i));
    });
  });
});

test('refuses depths that the model has not, and tokens of another shape', async () => {
  await withEngine(TINY, async (engine) => {
    const { L, D } = engine.pack.manifest.tokens;
    const tokens = new Int32Array(L * D);
    await expect(engine.decodeViews(1, tokens, new Int32Array(L).fill(D + 1))).rejects.toThrow('Choose depths from 0 to 4.');
    await expect(engine.decodeViews(1, tokens.subarray(D), new Int32Array(L - 1))).rejects.toThrow('These tokens are not of this model');
    await expect(engine.encodeSound(new Float32Array(16))).rejects.toThrow("can't take sounds in");
  });
});
