import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import {
  type Manifest,
  Manifest as ManifestSchema,
  type Recipe,
  Recipe as RecipeSchema,
  StudioError,
  explain,
} from '../../../src/contract/index.js';
import { inspectPackage } from '../../../src/engine/package.js';
import { readTokenFile, writeTokenFile } from '../../../src/engine/tokens.js';
import { withPngText } from '../../../src/studio/png-text.js';
import { compressed } from '../../../src/studio/compressed-sound.js';
import { embedInPng, readRecipe } from '../../../src/studio/recipe-file.js';
import { SAMPLING, makePackage, temporaryFolder } from '../studio/support.js';
import { CASES, damaged, mutated } from './mutations.js';

const recipe: Recipe = {
  format: 1,
  studio: '0.1.0',
  model: { id: 'fake', version: '1.0.0' },
  kind: 'image',
  verb: 'generate',
  className: 'Banana',
  seed: 42,
  sampling: SAMPLING,
};

const SENTENCE = /^\S.*\.$/s;

function refusal(error: unknown): StudioError {
  expect(error).toBeInstanceOf(StudioError);
  const refused = error as StudioError;
  expect(refused.code).toBe('bad-file');
  expect(refused.message).toMatch(SENTENCE);
  return refused;
}

it('a token file is read or refused with a sentence, wherever it is damaged', () => {
  const file = writeTokenFile({
    L: 4,
    D: 3,
    codes: new Int32Array(12).fill(5),
    revealedAt: new Uint8Array(12).fill(1),
    confidence: new Float32Array(12),
    model: 'fake',
    version: '1.0.0',
    grid: [2, 2],
    recipe,
  });
  fc.assert(
    fc.property(damaged(file), (bytes) => {
      try {
        const read = readTokenFile(bytes);
        expect(read.codes).toHaveLength(read.L * read.D);
        expect(read.codes.every((code) => code >= 0)).toBe(true);
      } catch (error) {
        refusal(error);
      }
    }),
    { numRuns: CASES.tokenFile },
  );
});

it('a manifest is taken or listed with what is wrong, whatever is in it', async () => {
  const folder = join(temporaryFolder(), 'fake');
  makePackage(folder);
  const manifest = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8')) as Manifest;
  fc.assert(
    fc.property(mutated(manifest), (value) => {
      const parsed = ManifestSchema.safeParse(value);
      if (!parsed.success) expect(explain(parsed.error)).not.toBe('');
    }),
    { numRuns: CASES.manifest },
  );
  const text = fc.oneof(
    { weight: 4, arbitrary: mutated(manifest).map((value) => JSON.stringify(value) ?? '') },
    { weight: 1, arbitrary: damaged(Buffer.from(JSON.stringify(manifest))).map((bytes) => Buffer.from(bytes).toString('latin1')) },
  );
  await fc.assert(
    fc.asyncProperty(text, async (json) => {
      writeFileSync(join(folder, 'model.json'), json);
      const { problem, manifest: taken } = await inspectPackage(folder);
      if (taken) expect(problem).toBeNull();
      else expect(problem).toMatch(SENTENCE);
    }),
    { numRuns: CASES.manifestFile },
  );
}, 240_000);

it('a picture gives its recipe or a sentence, wherever it is damaged and whatever its texts say', async () => {
  const plain = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  const png = embedInPng(plain, recipe, { width: 8, height: 8 });
  const bomb = deflateSync(Buffer.alloc(64 << 20));
  const texts = fc.record({
    keyword: fc.constantFrom('resgen', 'parameters', 'Comment'),
    text: fc.oneof(
      mutated(recipe).map((value) => JSON.stringify(value) ?? ''),
      fc.string({ maxLength: 300 }),
      fc.constant('Banana\nSteps: 1e999, Sampler: ResGen circle confidence, CFG scale: 1-2, Seed: -1, Size: 8x8, Model: fake 1'),
      fc.constant(bomb.toString('latin1').slice(0, 1000)),
    ),
    utf8: fc.boolean(),
  });
  const picture = fc.oneof(
    { weight: 2, arbitrary: damaged(png) },
    { weight: 2, arbitrary: fc.array(texts, { minLength: 1, maxLength: 3 }).map((list) => withPngText(plain, list)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  );
  await fc.assert(
    fc.asyncProperty(picture, async (bytes) => {
      try {
        expect(RecipeSchema.safeParse(await readRecipe('x.png', bytes)).success).toBe(true);
      } catch (error) {
        refusal(error);
      }
    }),
    { numRuns: CASES.picture },
  );
}, 240_000);

it.each(['flac', 'mp3'] as const)(
  'a sound as %s gives its recipe or a sentence, wherever it is damaged',
  async (format) => {
    const whole = await compressed({ samples: new Float32Array(1600), sampleRate: 16_000 }, format, recipe);
    await fc.assert(
      fc.asyncProperty(damaged(whole), async (bytes) => {
        try {
          expect(RecipeSchema.safeParse(await readRecipe(`x.${format}`, bytes)).success).toBe(true);
        } catch (error) {
          refusal(error);
        }
      }),
      { numRuns: CASES.compressedSound },
    );
  },
  120_000,
);

it('a folder that only looks like a package is listed with a sentence', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'model.json'));
  expect((await inspectPackage(folder)).problem).toMatch(SENTENCE);
});
