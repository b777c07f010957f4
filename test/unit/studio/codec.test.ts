import { cpSync, existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { assets, fromWav, toWav } from '../../../src/contract/index.js';
import { writeNpy } from '../../../src/engine/index.js';
import { nodeEngine } from '../../../src/studio/index.js';
import { readMarks } from '../../../src/studio/sound-marks.js';
import { bundleEngineProcess } from '../engine/engine-process.js';
import { type TestStudio, openStudio, temporaryFolder } from './support.js';

/** A tiny EnCodec and a tiny DAC with random weights, made by training/export_codec.py: D = 4, V = 16, some samples a position at 8 kHz. */
const CODECS = [
  { id: 'tiny-codec', H: 8, hop: 8 },
  { id: 'tiny-dac', H: 16, hop: 6 },
];
const [L, D, V] = [20, 4, 16];

let engine = '';
beforeAll(async () => {
  engine = await bundleEngineProcess('codec');
}, 120_000);

/** A studio with a codec and the real engine. */
function studioWith(codec: string): TestStudio {
  const data = temporaryFolder();
  cpSync(resolve('test/fixtures/codecs', codec), join(data, 'models', codec), { recursive: true });
  return openStudio({ data, spawn: nodeEngine(engine) });
}

const codes = (seed: number): Int32Array => Int32Array.from({ length: L * D }, (_, n) => (n * n + seed * n) % V);

describe.each(CODECS)('a codec without a generator: $id', { timeout: 120_000 }, ({ id: codec, H, hop }) => {
  const studioWithCodec = (): TestStudio => studioWith(codec);
  const imported = ({ ask }: TestStudio, seed: number) =>
    ask('tokens.import', { name: `${seed}.npy`, bytes: new Uint8Array(writeNpy({ L, D, codes: codes(seed) })), model: codec });

  it('is a model like others, and gives what PyTorch gave', async () => {
    const { ask } = studioWithCodec();
    const models = await ask('models.list', null);
    expect(models.find(({ id }) => id === codec)).toMatchObject({
      problem: null,
      manifest: { kind: 'speech', sound: { sampleRate: 8000, samplesPerPosition: hop } },
    });
    // The probe compares with the golden sound.
    const { probes } = await ask('engine.probe', { model: codec });
    expect(probes.filter(({ state }) => state === 'active')).toHaveLength(1);
  });

  it('shows its tokens, and is heard at every depth', async () => {
    const studio = studioWithCodec();
    const item = await imported(studio, 1);
    expect(item).toMatchObject({ kind: 'speech', width: null, height: null });
    const sheet = await studio.ask('tokens.get', { id: item.id });
    expect(sheet).toMatchObject({ L, D, V, H, grid: null, revealedAt: null, cannot: { decode: null } });
    expect(new Int32Array(sheet.codes.slice().buffer)).toEqual(codes(1));

    const views = [1, 2, 3, 4].map((depth) => ({ depth }));
    const { contentType, frames } = await studio.ask('tokens.decode', { id: item.id, views });
    expect(contentType).toBe('audio/wav');
    for (const frame of frames) {
      expect(Buffer.from(frame.subarray(0, 4)).toString()).toBe('RIFF');
      expect(fromWav(frame).samples.length).toBe(L * hop);
    }
    expect(new Set(frames.map((frame) => Buffer.from(frame).toString('base64'))).size).toBe(4);
  });

  it('encodes a clip as an item, whose sound is as long as the clip', async () => {
    const { ask, event } = studioWithCodec();
    const samples = Float32Array.from({ length: 4410 }, (_, n) => 0.5 * Math.sin((2 * Math.PI * 440 * n) / 44_100));
    const item = await ask('items.import', { name: 'clip.wav', bytes: toWav(samples, 44_100), model: codec });
    expect(item).toMatchObject({ kind: 'speech', width: null, recipe: { verb: 'encode', source: 'clip.wav', kind: 'speech' } });
    expect(await event('itemAdded', ({ id }) => id === item.id)).toEqual(item);
    // A tenth of a second, filled up to a whole number of positions.
    const positions = Math.ceil(800 / hop);
    const sheet = await ask('tokens.get', { id: item.id });
    expect(sheet).toMatchObject({ L: positions, D, cannot: { decode: null } });
    expect(new Set(sheet.codes).size).toBeGreaterThan(1);
    const { frames } = await ask('tokens.decode', { id: item.id, views: [{ depth: D }] });
    expect(fromWav(frames[0] ?? new Uint8Array()).samples).toHaveLength(positions * hop);
  });

  it('is heard and saved, though only tokens were kept: its sound is made when it is asked for, once', async () => {
    const test = studioWithCodec();
    const { ask, studio, data } = test;
    const item = await imported(test, 1);
    const kept = join(data, 'items', item.id, 'sound.wav');
    expect(existsSync(kept)).toBe(false);
    const [one, other] = await Promise.all([studio.asset(assets.sound(item.id)), studio.asset(assets.sound(item.id))]);
    expect(one).toEqual({ file: kept, contentType: 'audio/wav' });
    expect(other).toEqual(one);
    const wav = readFileSync(kept);
    const { frames } = await ask('tokens.decode', { id: item.id, views: [{ depth: D }] });
    expect(fromWav(wav)).toEqual(fromWav(frames[0] ?? new Uint8Array()));
    expect(fromWav(wav).samples).toHaveLength(L * hop);
    expect(readMarks(wav).synthetic).toBe(true);
    expect(readdirSync(join(data, 'items', item.id)).sort()).toEqual(['sound.wav', 'tokens.safetensors']);

    const edited = await ask('tokens.edit', { id: item.id, edit: { kind: 'zeroDepth', depth: 2 } });
    const { url } = await ask('items.export', { ids: [edited.id], format: 'wav' });
    const { file = '' } = (await studio.asset(url)) ?? {};
    const saved = readFileSync(file);
    expect(readMarks(saved).synthetic).toBe(true);
    expect(fromWav(saved).samples).toHaveLength(L * hop);

    // Without the model there is no sound, and a sentence says so.
    rmSync(join(data, 'models', codec), { recursive: true });
    rmSync(kept);
    expect(await studio.asset(assets.sound(item.id))).toBeNull();
    await expect(ask('items.export', { ids: [item.id], format: 'wav' })).rejects.toThrow(`not-found: There is no model “${codec}”.`);
  });

  it('says why a file can’t be encoded, and keeps nothing of it', async () => {
    const { ask } = studioWithCodec();
    const long = toWav(new Float32Array(8000 * 5), 8000);
    await expect(ask('items.import', { name: 'long.wav', bytes: long, model: codec })).rejects.toThrow(
      `bad-file: “long.wav” is longer than the ${((4096 * hop) / 8000).toFixed(1)} seconds that the model takes. Choose a shorter one.`,
    );
    await expect(ask('items.import', { name: 'a.png', bytes: Uint8Array.of(1, 2, 3), model: codec })).rejects.toThrow(
      /^bad-file: “a\.png” is not a sound that can be read/,
    );
    expect((await ask('items.list', { limit: 5, before: null, kind: null, search: '' })).total).toBe(0);
  });

  it('is compared with a sound of another length by how alike they are', async () => {
    const test = studioWithCodec();
    const whole = await imported(test, 1);
    const half = new Uint8Array(writeNpy({ L: L / 2, D, codes: codes(1).slice(0, (L / 2) * D) }));
    const part = await test.ask('tokens.import', { name: 'half.npy', bytes: half, model: codec });
    const { aligned, perDepth, differs } = await test.ask('tokens.compare', { a: part.id, b: whole.id });
    expect(aligned).toMatchObject({ by: 'tokens', L });
    expect(new Int32Array(aligned?.positions.slice().buffer ?? new ArrayBuffer())).toHaveLength(L / 2);
    expect(differs).toHaveLength((L / 2) * D);
    // All of the part but its end, to which the rest of the whole belongs, has its like in the whole.
    expect(perDepth.every((count) => count <= 1)).toBe(true);
    expect((await test.ask('tokens.compare', { a: whole.id, b: whole.id })).aligned).toBeNull();
  });

  it('lets codes be swapped and compared, and says why it can’t resample', async () => {
    const studio = studioWithCodec();
    const [a, b] = [await imported(studio, 1), await imported(studio, 3)];
    const swapped = await studio.ask('tokens.edit', { id: a.id, edit: { kind: 'swap', other: b.id, at: 1 } });
    expect(swapped.recipe.parents?.map(({ id }) => id)).toEqual([a.id, b.id]);
    const { perDepth } = await studio.ask('tokens.compare', { a: a.id, b: swapped.id });
    expect(perDepth[0]).toBe(0);
    expect(perDepth.slice(1).some((count) => count > 0)).toBe(true);
    await expect(studio.ask('tokens.edit', { id: a.id, edit: { kind: 'resampleBelow', depth: 1 } })).rejects.toThrow(
      `refused: The model “${codec}” has no generator`,
    );
  });
});
