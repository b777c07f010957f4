import { resolve } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sampling } from '../../../../src/contract/index.js';
import { Engine } from '../../../../src/engine/engine.js';
import { maskBelow, maskLeastConfident, maskPositions, maskTokens } from '../../../../src/engine/inspect/masks.js';
import { visibleAfter } from '../../../../src/engine/inspect/replay.js';
import { type TokenFile, readTokenFile, writeTokenFile } from '../../../../src/engine/tokens.js';
import { SAMPLING, TINY, TINY_SHAPE } from '../fixtures.js';

const { L, D, V } = TINY_SHAPE;
const SIZE = 16;
const FULL = new Int32Array(L).fill(D);
/** Each run is some passes of real graphs. */
const RUNS = { numRuns: 100 };

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.load(TINY, { provider: 'cpu', threads: 1 });
}, 60_000);
afterAll(() => engine.dispose());

const seed = fc.nat(2 ** 32 - 1);
const sampling = fc.record({
  steps: fc.integer({ min: 1, max: 12 }),
  schedule: fc.constantFrom('circle' as const, 'cosine' as const),
  reveal: fc.constantFrom('confidence' as const, 'random' as const),
  tau: fc.constantFrom(0, 4),
});
const settings = (change: Partial<Sampling>): Sampling => ({ ...SAMPLING, ...change });
const codes = fc.array(fc.nat(V - 1), { minLength: L * D, maxLength: L * D }).map((array) => Int32Array.from(array));

/** As an item is stored, and read again when it is opened. */
function stored(tokens: Pick<TokenFile, 'codes' | 'revealedAt' | 'confidence'> & { L?: number }): TokenFile {
  const model = { id: 'tiny', version: '0.1.0' };
  const recipe = { format: 1, studio: '0.1.0', model, kind: 'image', verb: 'encode' } as const;
  return readTokenFile(writeTokenFile({ L, D, ...tokens, model: model.id, version: model.version, recipe }));
}

async function seen({ codes: tokens }: TokenFile, depth: Int32Array): Promise<unknown> {
  const [frame] = await engine.decodeViews(1, tokens, depth);
  return frame;
}

describe('what is stored of an item', { timeout: 240_000 }, () => {
  it('of an encoded picture: decoded at full depth it is decode(encode(x))', async () => {
    const picture = fc.uint8Array({ minLength: SIZE * SIZE * 3, maxLength: SIZE * SIZE * 3 });
    await fc.assert(
      fc.asyncProperty(picture, async (pixels) => {
        const { tokens } = await engine.encode(pixels);
        expect(await seen(stored({ codes: tokens }), FULL)).toEqual(await engine.decode(tokens, D));
      }),
      RUNS,
    );
  });

  it('of a generation: its replay ends at the stored tokens and at the picture, whatever the seed and the settings', async () => {
    await fc.assert(
      fc.asyncProperty(seed, sampling, async (from, change) => {
        const [made] = await engine.generate([{ condition: 0, seed: from }], settings(change));
        if (!made) throw new Error('Nothing was generated.');
        const file = stored({ codes: made.tokens, revealedAt: made.revealedAt, confidence: made.confidence });
        const last = visibleAfter({ L, D }, file.revealedAt ?? new Uint8Array(), change.steps);
        expect(last).toEqual(FULL);
        expect(await seen(file, last)).toEqual(made.pixels);
        expect(file).toMatchObject({ codes: made.tokens, confidence: made.confidence });
      }),
      RUNS,
    );
  });
});

describe.each([
  ['tiny-codec', 8],
  ['tiny-dac', 6],
])('what is stored of a sound that %s encoded', { timeout: 240_000 }, (id, hop) => {
  let codec: Engine;
  beforeAll(async () => {
    codec = await Engine.load(resolve('test/fixtures/codecs', id), { provider: 'cpu', threads: 1 });
  }, 60_000);
  afterAll(() => codec.dispose());

  it('is heard as decode(encode(x)) at full depth', async () => {
    // No fewer positions than an EnCodec pads by.
    const clip = fc
      .integer({ min: 8, max: 24 })
      .chain((positions) =>
        fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: positions * hop, maxLength: positions * hop }),
      );
    await fc.assert(
      fc.asyncProperty(clip, async (samples) => {
        const { tokens } = await codec.encodeSound(Float32Array.from(samples));
        const full = new Int32Array(tokens.length / D).fill(D);
        const { codes: kept } = stored({ codes: tokens, L: full.length });
        expect(await codec.decodeViews(1, kept, full)).toEqual(await codec.decodeViews(1, tokens, full));
        expect(kept).toEqual(tokens);
      }),
      RUNS,
    );
  });
});

describe('a resampling of stored tokens', { timeout: 240_000 }, () => {
  const everyToken = Array.from({ length: L * D }, (_, n) => ({ position: Math.floor(n / D), depth: (n % D) + 1 }));
  /** Of each position its deepest tokens, as the masks want them. */
  const tails = fc
    .array(fc.nat(D), { minLength: L, maxLength: L })
    .map((free) => everyToken.filter(({ position, depth }) => depth > D - (free[position] ?? 0)));
  const scores = fc.array(fc.integer({ min: -100, max: 0 }), { minLength: L * D, maxLength: L * D });
  const masks: [kind: string, mask: fc.Arbitrary<Int32Array>][] = [
    ['resampleBelow', fc.nat(D - 1).map((depth) => maskBelow(L, D, depth))],
    ['resamplePositions', fc.subarray([...Array(L).keys()], { minLength: 1 }).map((positions) => maskPositions(L, D, positions))],
    ['resampleTokens', tails.map((tokens) => maskTokens(L, D, tokens))],
    [
      'resampleLeastConfident',
      fc
        .record({ scores, percent: fc.integer({ min: 1, max: 100 }) })
        .map(({ scores: all, percent }) => maskLeastConfident(L, D, cumulative(all), percent)),
    ],
  ];

  it.each(masks)('%s keeps every token that it keeps bit for bit, and replays to what it made', async (_kind, mask) => {
    await fc.assert(
      fc.asyncProperty(codes, mask, seed, sampling, async (parent, k, from, change) => {
        const fixed = { tokens: parent.slice(), k: k.slice() };
        const [made] = await engine.generate([{ condition: 1, seed: from, fixed }], settings(change));
        if (!made) throw new Error('Nothing was generated.');
        const { tokens, revealedAt, confidence } = made;
        for (let n = 0; n < L * D; n++) {
          const stays = n % D < D - (k[Math.floor(n / D)] ?? 0);
          if (stays) expect(tokens[n]).toBe(parent[n]);
          expect([revealedAt[n] === 0, Number.isNaN(confidence[n])]).toEqual([stays, stays]);
        }
        expect(visibleAfter({ L, D }, revealedAt, 0)).toEqual(k.map((k_i) => D - k_i));
        const file = stored({ codes: tokens, revealedAt, confidence });
        expect(await seen(file, visibleAfter({ L, D }, revealedAt, change.steps))).toEqual(made.pixels);
        // What was given to the engine is not its to change.
        expect(fixed.tokens).toEqual(parent);
      }),
      RUNS,
    );
  });
});

/** Scores as the step graph gives them: never increasing over the depths of a position. */
function cumulative(scores: readonly number[]): Float32Array {
  const sums = Float32Array.from(scores);
  for (let n = 0; n < sums.length; n++) if (n % D > 0) sums[n] = (sums[n] ?? 0) + (sums[n - 1] ?? 0);
  return sums;
}
