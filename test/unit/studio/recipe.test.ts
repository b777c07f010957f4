import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { type Recipe, type Sampling, fromJson, toJson } from '../../../src/contract/index.js';
import { pngSize, readPngText, withPngText } from '../../../src/studio/png-text.js';
import { embedInPng, embedWithSharp, readRecipe, stripPng } from '../../../src/studio/recipe-file.js';
import { parseRecipeText, recipeText } from '../../../src/studio/recipe-text.js';
import { SAMPLING } from './support.js';

const SIZE = { width: 5, height: 5 };
const picture = () => sharp({ create: { ...SIZE, channels: 3, background: '#c08040' } });
const png = await picture().png().toBuffer();

const finite = (min: number, max: number) => fc.double({ min, max, noNaN: true }).map((n) => n + 0);
const knobs = {
  steps: fc.integer({ min: 1, max: 255 }),
  schedule: fc.constantFrom('circle', 'cosine', 'exponential'),
  guidanceFrom: finite(0, 20),
  guidanceTo: finite(0, 20),
  topP: fc.double({ min: 1e-9, max: 1, noNaN: true }),
  tau: finite(0, 1000),
  noise: finite(0, 2),
  reveal: fc.constantFrom('confidence', 'random'),
} as const;
const sampling: fc.Arbitrary<Sampling> = fc.oneof(fc.record(knobs), fc.record({ ...knobs, view: finite(0, 1) }));
const anyText = (maxLength: number) => fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((s) => s.length <= maxLength);
const version = fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99)).map((numbers) => numbers.join('.'));
const generated = (className: fc.Arbitrary<string>): fc.Arbitrary<Recipe> =>
  fc.record({
    format: fc.constant(1 as const),
    studio: version,
    model: fc.record({ id: fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,20}$/), version }),
    kind: fc.constant('image' as const),
    verb: fc.constant('generate' as const),
    className,
    seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    sampling,
  });

const BANANA: Recipe = {
  format: 1,
  studio: '0.1.0',
  model: { id: 'fruits', version: '1.0.0' },
  kind: 'image',
  verb: 'generate',
  className: 'Banana',
  seed: 42,
  sampling: SAMPLING,
};

describe('a recipe in a picture', () => {
  it('comes back from a PNG whatever is in it, and leaves the pixels alone', async () => {
    await fc.assert(
      fc.asyncProperty(generated(anyText(80)), async (recipe) => {
        const marked = embedInPng(png, recipe, SIZE);
        expect(await readRecipe('a.png', marked)).toEqual(recipe);
        expect(stripPng(marked).equals(stripPng(png))).toBe(true);
      }),
      { numRuns: 100 },
    );
    const marked = await sharp(embedInPng(png, BANANA, SIZE))
      .raw()
      .toBuffer();
    expect(marked.equals(await sharp(png).raw().toBuffer())).toBe(true);
  });

  it('comes back from JPEG and WebP', async () => {
    await fc.assert(
      fc.asyncProperty(generated(anyText(80)), fc.constantFrom('jpeg' as const, 'webp' as const), async (recipe, format) => {
        const file = await embedWithSharp(picture(), recipe, SIZE).toFormat(format).toBuffer();
        expect(await readRecipe(`a.${format}`, file)).toEqual(recipe);
      }),
      { numRuns: 30 },
    );
  });

  it('comes back from the text alone, where a program kept that and dropped our own', async () => {
    await fc.assert(
      fc.asyncProperty(generated(fc.stringMatching(/^[A-Z][a-z]{1,9}( [A-Za-z(),:]{1,9}){0,3}$/)), async (recipe) => {
        expect(parseRecipeText(recipeText(recipe, SIZE))).toEqual(recipe);
        const texts = readPngText(embedInPng(png, recipe, SIZE));
        const onlyText = withPngText(png, [{ keyword: 'parameters', text: texts.get('parameters') ?? '' }]);
        expect(await readRecipe('a.png', onlyText)).toEqual(recipe);
      }),
    );
    const jpeg = await picture()
      .withExif({ IFD2: { UserComment: recipeText(BANANA, SIZE) } })
      .jpeg()
      .toBuffer();
    expect(await readRecipe('a.jpg', jpeg)).toEqual(BANANA);
  });

  it('is written so that other programs show it', () => {
    expect(recipeText(BANANA, { width: 96, height: 96 })).toBe(
      'Banana\nSteps: 6, Sampler: ResGen circle confidence, CFG scale: 0-1.5, Seed: 42, Size: 96x96, Model: fruits 1.0.0, ' +
        'Top P: 0.9, Tau: 4, Noise: 0.7, Version: ResGen Studio 0.1.0',
    );
  });
});

describe('a picture without a recipe of ours', () => {
  const message = async (name: string, bytes: Uint8Array): Promise<string> => {
    const error: unknown = await readRecipe(name, bytes).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'bad-file' });
    return String(error);
  };

  it('is refused with a sentence that says which case it is', async () => {
    expect(await message('cat.png', png)).toContain('There is no recipe in “cat.png”');
    expect(await message('cat.jpg', await picture().jpeg().toBuffer())).toContain('There is no recipe');
    expect(await message('cat.txt', Buffer.from('meow'))).toContain('is not a picture');
    expect(await message('cat.txt', new Uint8Array())).toContain('is not a picture');
    const foreign = withPngText(png, [
      { keyword: 'parameters', text: 'a cat\nNegative prompt: dog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1' },
    ]);
    expect(await message('cat.png', foreign)).toContain('not written by ResGen Studio');
    const newer = withPngText(png, [{ keyword: 'resgen', text: JSON.stringify({ ...BANANA, format: 2 }) }]);
    expect(await message('cat.png', newer)).toContain('newer ResGen Studio');
    for (const text of ['{', 'null', '7', JSON.stringify({ ...BANANA, seed: -1 })]) {
      expect(await message('cat.png', withPngText(png, [{ keyword: 'resgen', text }]))).toContain('is damaged');
    }
  });

  it('never breaks the reader, however it is damaged', async () => {
    const whole = embedInPng(png, BANANA, SIZE);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }), fc.boolean(), async (at, value, cut) => {
        const damaged = Buffer.from(cut ? whole.subarray(0, at) : whole);
        if (!cut) damaged[at] = value;
        const result: unknown = await readRecipe('a.png', damaged).catch((e: unknown) => e);
        if (result instanceof Error) expect(result).toMatchObject({ code: 'bad-file' });
        else expect(result).toMatchObject({ format: 1, kind: 'image' });
      }),
      { numRuns: 300 },
    );
  });
});

describe('PNG text', () => {
  it('reads compressed chunks within bounds, and the size of the picture', async () => {
    expect(pngSize(png)).toEqual(SIZE);
    expect(() => pngSize(Buffer.from('no'))).toThrow('no PNG');
    const { deflateSync } = await import('node:zlib');
    const chunk = (type: string, data: Buffer): Buffer => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(data.length);
      // The reader does not look at the CRC of text: a wrong one is no reason to lose it.
      return Buffer.concat([length, Buffer.from(type), data, Buffer.alloc(4)]);
    };
    const insert = (extra: Buffer): Buffer => Buffer.concat([png.subarray(0, 33), extra, png.subarray(33)]);
    const small = insert(chunk('zTXt', Buffer.concat([Buffer.from('note\0\0'), deflateSync('hello')])));
    expect(readPngText(small).get('note')).toBe('hello');
    const bomb = insert(chunk('iTXt', Buffer.concat([Buffer.from('note\0\x01\0\0\0'), deflateSync(Buffer.alloc(50 << 20))])));
    expect(readPngText(bomb).has('note')).toBe(false);
  });
});

describe('messages', () => {
  it('cross as JSON with their bytes', () => {
    const leaf = fc.oneof(
      fc.string(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array({ maxLength: 100 }).map((a) => new Uint8Array(a)),
    );
    const message = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        leaf,
        fc.array(tie('node'), { maxLength: 4 }),
        fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), tie('node'), { maxKeys: 4, noNullPrototype: true }),
      ),
    })).node;
    fc.assert(
      fc.property(message, (value) => {
        expect(fromJson(toJson(value))).toEqual(value);
      }),
    );
    expect(fromJson(toJson({ bytes: Buffer.from([1, 2, 255]) }))).toEqual({ bytes: new Uint8Array([1, 2, 255]) });
  });
});
