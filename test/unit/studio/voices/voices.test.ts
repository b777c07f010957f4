import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import Database from 'libsql';
import { describe, expect, it, vi } from 'vitest';
import { type Recipe, type Voice, VOICE_RATE, assets, fromWav } from '../../../../src/contract/index.js';
import * as files from '../../../../src/studio/files.js';
import { moveDataFolder, stageRestore } from '../../../../src/studio/index.js';
import { ItemsStore } from '../../../../src/studio/items-store.js';
import { Library } from '../../../../src/studio/library.js';
import { sharpEncoder } from '../../../../src/studio/pictures.js';
import { type TestStudio, openStudio, temporaryFolder } from '../support.js';
import { floatWav, speech, wavFile } from './signals.js';

vi.mock('../../../../src/studio/files.js', { spy: true });

const CONSENT = 'I, Ada, agree that my voice is used here.';
const clip = wavFile(speech({ seconds: 6 }));

/** Five seconds of 300 Hz. */
const tone = (rate: number): Float32Array =>
  Float32Array.from({ length: 5 * rate }, (_, n) => 0.5 * Math.sin((2 * Math.PI * 300 * n) / rate));

const add = ({ ask }: TestStudio, name = 'Ada', region: { from: number; until: number } | null = null): Promise<Voice> =>
  ask('voices.add', { name, file: clip, region, consent: CONSENT });

const everything = { limit: 500, before: null, kind: null, search: '' } as const;

/** A closed studio whose voice has made items; nothing here can speak yet, so they are put in by hand. */
async function withSpeech(): Promise<{ data: string; voice: Voice; items: string[] }> {
  const test = openStudio();
  const voice = await add(test);
  await test.studio.close();
  const db = new Database(join(test.data, 'studio.db'));
  const library = new Library(test.data, new ItemsStore(db), sharpEncoder);
  const other: Recipe = {
    format: 1,
    studio: '0.1.0',
    model: { id: 'fake', version: '1.0.0' },
    kind: 'speech',
    verb: 'generate',
    seed: 1,
  };
  const recipe: Recipe = { ...other, voice: voice.id };
  const tokens = { picture: null, shape: { L: 1, D: 3 }, tokens: new Int32Array(3), durationMs: 1, job: null };
  const spoken = [await library.add({ ...tokens, recipe }), await library.add({ ...tokens, recipe })];
  await library.add({ ...tokens, recipe: other });
  db.close();
  return { data: test.data, voice, items: spoken.map((item) => item.id) };
}

describe('a voice', () => {
  it('is kept as mono of 16 kHz, whatever the file was, with its consent and its date', async () => {
    const test = openStudio();
    const stereo = floatWav([tone(44_100), tone(44_100)], 44_100);
    const before = Date.now();
    const voice = await test.ask('voices.add', {
      name: ' Ada ',
      file: { name: 'a.wav', bytes: stereo },
      region: { from: 1, until: 4.5 },
      consent: CONSENT,
    });
    expect(voice).toMatchObject({ name: 'Ada', seconds: 3.5, source: 'a.wav', items: 0, deletedAt: null, consent: { sentence: CONSENT } });
    expect(voice.consent.at).toBeGreaterThanOrEqual(before);
    expect(await test.ask('voices.list', null)).toEqual([voice]);
    expect(test.events).toContainEqual({ name: 'voices', payload: [voice] });

    const asset = await test.studio.asset(assets.voice(voice.id));
    expect(asset?.contentType).toBe('audio/wav');
    const { sampleRate, samples } = fromWav(readFileSync(asset?.file ?? ''));
    expect([sampleRate, samples.length]).toEqual([VOICE_RATE, 3.5 * VOICE_RATE]);
    const wanted = tone(VOICE_RATE).subarray(VOICE_RATE);
    expect(Math.max(...samples.map((sample, n) => Math.abs(sample - (wanted[n] ?? 0))))).toBeLessThan(0.001);
    expect(await test.studio.asset(`/assets/voices/${voice.id}/voice.json`)).toBeNull();
    expect(await test.studio.asset('/assets/voices/..%2f/clip.wav')).toBeNull();
  });

  it.each([undefined, '', '   ', 'yes', 'I agree'])(
    'without a sentence of consent (%j) is refused, and nothing is kept',
    async (consent) => {
      const test = openStudio();
      const reply = await test.studio.call('voices.add', { name: 'Ada', file: clip, region: null, consent });
      expect(reply).toMatchObject({
        ok: false,
        error: { code: 'no-consent', message: expect.stringMatching(/^A voice may be used only with the consent of the person/) as string },
      });
      expect(readdirSync(join(test.data, 'voices'))).toEqual([]);
      expect(await test.ask('voices.list', null)).toEqual([]);
    },
  );

  it('of a clip that can be none is refused with the sentence of the check', async () => {
    const test = openStudio();
    await expect(add(test, 'Ada', { from: 0, until: 1 })).rejects.toThrow(
      /^bad-file: The clip is 1\.0 s long, and a voice takes at least 3/,
    );
    await expect(add(test, 'Ada', { from: 9, until: 12 })).rejects.toThrow(/^bad-file: The clip is 0\.0 s long/);
    await expect(test.ask('voices.check', { file: clip, region: { from: 3, until: 2 } })).rejects.toThrow(/must end after it begins/);
  });

  it('is opened as it will be kept, with a part to choose', async () => {
    const { ask } = openStudio();
    const { sound, seconds, suggested } = await ask('voices.open', clip);
    expect(fromWav(sound).samples).toHaveLength(6 * VOICE_RATE);
    expect(seconds).toBe(6);
    expect(suggested.until).toBeGreaterThan(suggested.from + 5);
    expect(await ask('voices.check', { file: clip, region: suggested })).toEqual([]);
  });

  it('has a name of its own, and can be given another', async () => {
    const test = openStudio();
    const ada = await add(test);
    await add(test, 'Bob');
    await expect(add(test, 'ADA')).rejects.toThrow('bad-request: There is a voice “ADA” already. Choose another name.');
    await expect(test.ask('voices.rename', { id: ada.id, name: 'bob' })).rejects.toThrow(/There is a voice “bob” already/);
    expect(await test.ask('voices.rename', { id: ada.id, name: 'ada' })).toMatchObject({ id: ada.id, name: 'ada' });
    await expect(test.ask('voices.rename', { id: 'nosuchvoice', name: 'x' })).rejects.toThrow(/^not-found: There is no such voice/);
    expect(JSON.parse(readFileSync(join(test.data, 'voices', ada.id, 'voice.json'), 'utf8'))).toMatchObject({ name: 'ada' });
  });

  it('leaves as a zip of its clip and its consent', async () => {
    const test = openStudio();
    const voice = await add(test, 'Ada: 1/2');
    const { name, url } = await test.ask('voices.export', { id: voice.id });
    expect(name).toBe('Ada_ 1_2.zip');
    const inside = unzipSync(new Uint8Array(readFileSync((await test.studio.asset(url))?.file ?? '')));
    expect(Object.keys(inside)).toEqual(['Ada_ 1_2.wav', 'Ada_ 1_2.json']);
    expect(fromWav(inside['Ada_ 1_2.wav'] ?? new Uint8Array()).samples).toHaveLength(6 * VOICE_RATE);
    expect(JSON.parse(new TextDecoder().decode(inside['Ada_ 1_2.json']))).toEqual({
      format: 1,
      name: 'Ada: 1/2',
      createdAt: voice.createdAt,
      source: 'clip.wav',
      consent: voice.consent,
    });
  });

  it('whose file is gone is missed with a sentence', async () => {
    const test = openStudio();
    const { id } = await add(test);
    rmSync(join(test.data, 'voices', id, 'clip.wav'));
    await expect(test.ask('voices.export', { id })).rejects.toThrow(/^bad-file: The file clip\.wav of a voice is missing/);
    expect(await test.studio.asset(assets.voice(id))).toBeNull();
  });

  it('is not kept by half where the disk is full', async () => {
    const test = openStudio();
    vi.mocked(files.writeFolder).mockRejectedValueOnce(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }));
    await expect(add(test)).rejects.toThrow(/^disk-full: The disk is full\. Free some space, then retry/);
    expect(await test.ask('voices.list', null)).toEqual([]);
    expect(await add(test)).toMatchObject({ name: 'Ada' });
  });
});

describe('a deleted voice', () => {
  it('takes all that came from it into the trash, and brings it back', async () => {
    const { data, voice, items } = await withSpeech();
    const test = openStudio({ data });
    const { ask, events } = test;
    expect(await ask('voices.list', null)).toMatchObject([{ items: 2 }]);
    // One was in the trash before, and stays there.
    await ask('items.remove', { ids: items.slice(0, 1) });
    await new Promise((resolve) => setTimeout(resolve, 5));
    await ask('voices.remove', { id: voice.id });
    expect((await ask('items.list', everything)).total).toBe(1);
    expect(events).toContainEqual({ name: 'itemsRemoved', payload: items.slice(1) });
    expect(await ask('voices.list', null)).toMatchObject([{ items: 0, deletedAt: expect.any(Number) as number }]);
    await expect(ask('voices.export', { id: voice.id })).rejects.toThrow('not-found: The voice “Ada” is in the trash. Restore it first.');

    await add(test, 'ada');
    expect(await ask('voices.restore', { id: voice.id })).toMatchObject({ name: 'Ada 2', deletedAt: null, items: 1 });
    expect((await ask('items.list', everything)).total).toBe(2);
    expect(JSON.parse(readFileSync(join(data, 'voices', voice.id, 'voice.json'), 'utf8'))).toMatchObject({ name: 'Ada 2' });
  });

  it('goes for good only from the trash, files and items and all', async () => {
    const { data, voice, items } = await withSpeech();
    const { ask } = openStudio({ data });
    await expect(ask('voices.purge', { id: voice.id })).rejects.toThrow(/^bad-request: This voice is not in the trash/);
    await ask('voices.remove', { id: voice.id });
    await ask('voices.purge', { id: voice.id });
    expect(await ask('voices.list', null)).toEqual([]);
    expect(readdirSync(join(data, 'voices'))).toEqual([]);
    for (const id of items) expect(existsSync(join(data, 'items', id))).toBe(false);
    expect(readdirSync(join(data, 'items'))).toHaveLength(1);
  });

  it('goes by itself after a month', async () => {
    const { data, voice } = await withSpeech();
    const first = openStudio({ data });
    await first.ask('voices.remove', { id: voice.id });
    await first.studio.close();
    vi.useFakeTimers({ now: Date.now() + 31 * 24 * 3600 * 1000, toFake: ['Date'] });
    try {
      const { ask } = openStudio({ data });
      expect(await ask('voices.list', null)).toEqual([]);
      expect(readdirSync(join(data, 'voices'))).toEqual([]);
      expect(readdirSync(join(data, 'items'))).toHaveLength(1);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('the data folder', () => {
  it('has voices in its backup, which come back in place of others', async () => {
    const first = openStudio();
    const voice = await add(first);
    const file = join(temporaryFolder(), 'library.tar');
    expect(await first.studio.backUp(file)).toEqual({ files: 3 });
    const second = openStudio();
    const replaced = await add(second, 'Bob');
    expect(await stageRestore(file, second.data, '0.1.0')).toEqual({ files: 3 });
    await second.studio.close();
    const again = openStudio({ data: second.data });
    expect(await again.ask('voices.list', null)).toEqual([voice]);
    expect(readFileSync(join(second.data, 'voices', voice.id, 'clip.wav'))).toEqual(
      readFileSync(join(first.data, 'voices', voice.id, 'clip.wav')),
    );
    const kept = readdirSync(second.data).find((name) => name.startsWith('replaced-')) ?? '';
    expect(readdirSync(join(second.data, kept, 'voices'))).toEqual([replaced.id]);
  });

  it('of a backup without voices has none of those that were there before', async () => {
    const first = openStudio();
    const file = join(temporaryFolder(), 'library.tar');
    await first.studio.backUp(file);
    const second = openStudio();
    await add(second);
    await stageRestore(file, second.data, '0.1.0');
    await second.studio.close();
    expect(await openStudio({ data: second.data }).ask('voices.list', null)).toEqual([]);
  });

  it('moves with its voices', async () => {
    const { studio, data, ...test } = openStudio();
    const voice = await add({ studio, data, ...test });
    await studio.close();
    const to = join(temporaryFolder(), 'elsewhere');
    await moveDataFolder(data, to, false);
    const again = openStudio({ data: to });
    expect(await again.ask('voices.list', null)).toEqual([voice]);
    expect(await again.studio.asset(assets.voice(voice.id))).not.toBeNull();
  });

  it('that lost its database takes its voices in again, and leaves alone what is none', async () => {
    const test = openStudio();
    const voice = await add(test);
    await test.studio.close();
    for (const name of readdirSync(test.data)) if (name.startsWith('studio.db')) rmSync(join(test.data, name));
    const odd = join(test.data, 'voices', '0123456789abcdef');
    mkdirSync(odd);
    writeFileSync(join(odd, 'voice.json'), '{"format":1,"name":"Nobody"}');
    mkdirSync(join(test.data, 'voices', '.partial-0123456789abcdeg'));
    const again = openStudio({ data: test.data });
    expect(await again.ask('voices.list', null)).toEqual([voice]);
    expect(readdirSync(join(test.data, 'voices')).sort()).toEqual(['0123456789abcdef', voice.id].sort());
  });
});
