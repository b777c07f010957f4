import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import OpenAI from 'openai';
import { extract } from 'tar-stream';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Recipe, fromWav } from '../../../../src/contract/index.js';
import { startServer } from '../../../../src/server/index.js';
import { compressedFormat, readTags } from '../../../../src/studio/compressed-sound.js';
import { SYNTHETIC, markedWav, readMarks, withMarks } from '../../../../src/studio/sound-marks.js';
import { bundleEngineProcess } from '../../engine/engine-process.js';
import { temporaryFolder } from '../support.js';
import { RECIPE as recipe, type SpeakingStudio, itemsOutOfTrash, speakingStudio, tone } from './studio.js';

let engine = '';
beforeAll(async () => {
  engine = await bundleEngineProcess('leaving');
}, 120_000);

describe('the marks of a WAV', () => {
  const sound = { samples: tone(0.1, 0.5, 0, 8000), sampleRate: 8000 };

  it('are read back, and leave the samples as they are', () => {
    const wav = markedWav(sound, recipe);
    const { synthetic, own } = readMarks(wav);
    expect(synthetic).toBe(true);
    expect(Recipe.parse(JSON.parse(own ?? ''))).toEqual(recipe);
    expect(fromWav(wav).samples).toHaveLength(sound.samples.length);
    expect(new DataView(wav.buffer).getUint32(4, true)).toBe(wav.length - 8);
  });

  it('stay without the recipe where that is left out', () => {
    const plain = withMarks(markedWav(sound, recipe), null);
    expect(readMarks(plain)).toEqual({ synthetic: true, own: undefined });
    expect(Buffer.from(plain).includes('voice-en')).toBe(false);
    expect(Buffer.from(plain).toString('latin1').split(SYNTHETIC)).toHaveLength(2);
  });

  it('of a file that is cut off do no harm', () => {
    const wav = markedWav(sound, recipe);
    for (let length = 0; length < wav.length; length += 7) expect(() => readMarks(wav.subarray(0, length))).not.toThrow();
  });
});

function marksOf(bytes: Uint8Array): { synthetic: boolean; own: string | undefined } {
  return compressedFormat(bytes) ? readTags(bytes) : readMarks(bytes);
}

/** Every way on which a sound leaves a studio, with the bytes that do. */
async function leaving({ ask, studio, say }: SpeakingStudio): Promise<Record<string, Uint8Array>> {
  const asset = async (url: string): Promise<Uint8Array> => readFileSync((await studio.asset(url))?.file ?? `no file behind ${url}`);
  const job = await say();
  const { sentences } = await ask('speech.take', { job: job.id });
  const id = sentences[0]?.item?.id ?? '';
  const [view] = (await ask('tokens.decode', { id, views: [{ depth: 1 }] })).frames;
  const backup = join(temporaryFolder(), 'library.tar');
  await studio.backUp(backup);
  const file = readFileSync((await studio.asset(`/assets/items/${id}/tokens.safetensors`))?.file ?? '');
  return {
    item: await asset(`/assets/items/${id}/sound.wav`),
    take: await asset(`/assets/takes/${job.id}/take.wav`),
    'saved take': await asset((await ask('speech.export', { job: job.id, index: null, format: 'wav' })).url),
    'saved sentence': await asset((await ask('speech.export', { job: job.id, index: 0, format: 'wav' })).url),
    'take as FLAC': await asset((await ask('speech.export', { job: job.id, index: null, format: 'flac' })).url),
    'sentence as MP3': await asset((await ask('speech.export', { job: job.id, index: 0, format: 'mp3' })).url),
    'item as MP3': await asset((await ask('items.export', { ids: [id], format: 'mp3' })).url),
    'FLAC in a zip': firstInZip(
      await asset((await ask('items.export', { ids: sentences.flatMap(({ item }) => item?.id ?? []), format: 'flac' })).url),
    ),
    'saved item': await asset((await ask('items.export', { ids: [id], format: 'wav' })).url),
    'in a zip': firstInZip(
      await asset((await ask('items.export', { ids: sentences.flatMap(({ item }) => item?.id ?? []), format: 'wav' })).url),
    ),
    depths: await asset((await ask('tokens.export', { id, format: 'strip' })).url),
    view: view ?? new Uint8Array(),
    decoded: (await studio.decodeTokens(file)).bytes,
    backup: await soundInTar(readFileSync(backup)),
  };
}

function firstInZip(zip: Uint8Array): Uint8Array {
  const [sound] = Object.values(unzipSync(zip));
  return sound ?? new Uint8Array();
}

function soundInTar(tar: Buffer): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const reader = extract();
    reader.on('entry', ({ name }, stream, next) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk) => chunks.push(chunk as Buffer));
      stream.on('end', () => {
        if (/^items\/.*\/sound\.wav$/.test(name)) resolve(Buffer.concat(chunks));
        next();
      });
    });
    reader.on('finish', () => reject(new Error('the backup has no sound')));
    reader.end(tar);
  });
}

describe('whatever sound leaves the studio', { timeout: 240_000 }, () => {
  it('says that it is synthetic, and tells its recipe unless that is switched off', async () => {
    const test = await speakingStudio(engine);
    const ways = await leaving(test);
    for (const [way, bytes] of Object.entries(ways)) expect([way, marksOf(bytes).synthetic]).toEqual([way, true]);
    // A view is of the codes, and shown beside its recipe.
    for (const [way, bytes] of Object.entries(ways)) expect([way, marksOf(bytes).own !== undefined]).toEqual([way, way !== 'view']);
    for (const way of ['saved take', 'take as FLAC']) {
      const read = await test.ask('recipe.read', { name: 'take', bytes: new Uint8Array(ways[way] ?? []) });
      expect(read).toMatchObject({ voice: test.voice.id, seed: 5, speech: { text: 'Hello there. How are you?\n\nFine.' } });
    }
    const sentence = await test.ask('recipe.read', { name: 'a.mp3', bytes: new Uint8Array(ways['sentence as MP3'] ?? []) });
    expect(sentence).toMatchObject({ voice: test.voice.id, speech: { text: 'Hello there.' } });

    await test.ask('settings.set', { embedRecipe: false });
    const { backup, ...plain } = await leaving(test);
    for (const [way, bytes] of Object.entries(plain)) expect([way, marksOf(bytes)]).toEqual([way, { synthetic: true, own: undefined }]);
    // The library itself is the person's own, and whole.
    expect(readMarks(backup ?? new Uint8Array()).own).toBeDefined();
    await expect(test.ask('recipe.read', { name: 'a.wav', bytes: new Uint8Array(plain['take'] ?? []) })).rejects.toThrow(
      'There is no recipe in “a.wav”',
    );
  });

  it('is a WAV, in a zip where there are several, and no picture', async () => {
    const { ask, say, studio } = await speakingStudio(engine);
    await say();
    const ids = (await ask('items.list', { limit: 9, before: null, kind: 'speech', search: '' })).items.map(({ id }) => id);
    expect(await ask('items.export', { ids: ids.slice(-1), format: 'wav' })).toMatchObject({ name: 'Hello there.wav' });
    const zip = await ask('items.export', { ids, format: 'png' });
    expect(zip.name).toBe('ResGen 3 sounds.zip');
    const inside = unzipSync(readFileSync((await studio.asset(zip.url))?.file ?? ''));
    expect(Object.keys(inside).sort()).toEqual(['Fine.wav', 'Hello there.wav', 'How are you.wav']);
    for (const format of ['png', 'sheet'] as const)
      await expect(ask('items.export', { ids: ids.slice(-1), format })).rejects.toThrow('save sounds as WAV');
  });

  it('is of a voice that agreed', async () => {
    const test = await speakingStudio(engine);
    const { ask, say, voice } = test;
    const job = await say({ text: 'Fine.' });
    const [item] = (await ask('items.list', { limit: 1, before: null, kind: null, search: '' })).items;
    const id = item?.id ?? '';
    await ask('voices.remove', { id: voice.id });
    const gone = 'The voice “Ada” is in the trash';
    await expect(ask('items.restore', { ids: [id] })).rejects.toThrow(
      /^refused: The voice “Ada” is in the trash, .* Restore the voice first\.$/,
    );
    const again = await itemsOutOfTrash(test, engine);
    await expect(again.ask('speech.export', { job: job.id, index: null, format: 'wav' })).rejects.toThrow(gone);
    await expect(again.ask('speech.export', { job: job.id, index: 0, format: 'wav' })).rejects.toThrow(gone);
    await expect(again.ask('items.export', { ids: [id], format: 'wav' })).rejects.toThrow(gone);
    await expect(again.ask('items.export', { ids: [id], format: 'mp3' })).rejects.toThrow(gone);
    await expect(again.ask('speech.export', { job: job.id, index: 0, format: 'flac' })).rejects.toThrow(gone);
    await expect(again.ask('tokens.export', { id, format: 'strip' })).rejects.toThrow(gone);
    expect(await again.studio.asset(`/assets/items/${id}/sound.wav`)).toBeNull();
    expect(await again.studio.asset(`/assets/takes/${job.id}/take.wav`)).toBeNull();
    await expect(
      again.ask('voices.add', { name: 'Eve', file: { name: 'a.wav', bytes: new Uint8Array(4) }, region: null }),
    ).rejects.toThrow();
  });
});

describe("OpenAI's own client", { timeout: 240_000 }, () => {
  it('gets a text said in a voice of the studio, the same for the same seed, or a sentence', async () => {
    const test = await speakingStudio(engine);
    const rendererFolder = join(temporaryFolder(), 'renderer');
    mkdirSync(rendererFolder);
    writeFileSync(join(rendererFolder, 'index.html'), '<!doctype html>');
    const apiKey = 'a-key-that-nobody-guesses-0123456789';
    const server = await startServer({ studio: test.studio, rendererFolder, host: '127.0.0.1', port: 0, apiKey });
    onTestFinished(() => server.close());
    const origin = `http://127.0.0.1:${server.port}`;
    const client = new OpenAI({ baseURL: `${origin}/v1`, apiKey, maxRetries: 0 });
    const speak = async (change: object = {}): Promise<Buffer> => {
      const body = { model: 'tiny-voice', voice: 'ada', input: 'Fine.', response_format: 'wav', seed: 3, ...change } as const;
      return Buffer.from(await (await client.audio.speech.create(body)).arrayBuffer());
    };
    const wav = await speak();
    expect(readMarks(wav).synthetic).toBe(true);
    expect(fromWav(wav).sampleRate).toBe(8000);
    expect(await speak()).toEqual(wav);
    await expect(speak({ voice: 'alloy' })).rejects.toThrow('404 There is no voice “alloy” here. There is: Ada.');
    await expect(speak({ model: 'fake' })).rejects.toThrow('404 There is no model “fake” here that speaks. There is: tiny-voice.');
    expect(compressedFormat(await speak({ response_format: undefined }))).toBe('mp3');
    expect(compressedFormat(await speak({ response_format: 'flac' }))).toBe('flac');
    await expect(speak({ response_format: 'opus' })).rejects.toThrow(
      '400 The studio answers with whole files. Ask for a response_format of wav, flac, mp3',
    );
    await expect(speak({ speed: 9 })).rejects.toThrow(/400 The request can't be used: speed: /);
    await expect(speak({ input: 'Привет' })).rejects.toThrow('400 This voice reads English in Latin letters only');

    const [item] = (await test.ask('items.list', { limit: 1, before: null, kind: 'speech', search: '' })).items;
    const range = { authorization: `Bearer ${apiKey}`, range: 'bytes=0-3' };
    const part = await fetch(`${origin}/assets/items/${item?.id ?? ''}/sound.wav`, { headers: range });
    expect([part.status, await part.text()]).toEqual([206, 'RIFF']);
    const take = await fetch(`${origin}/assets/takes/${item?.jobId ?? ''}/take.wav`, { headers: range });
    expect([take.status, await take.text()]).toEqual([206, 'RIFF']);
  });
});
