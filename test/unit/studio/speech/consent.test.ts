import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CallName, calls } from '../../../../src/contract/index.js';
import { readTokenFile, writeTokenFile } from '../../../../src/engine/index.js';
import { compressedFormat, readTags } from '../../../../src/studio/compressed-sound.js';
import { readMarks } from '../../../../src/studio/sound-marks.js';
import { bundleEngineProcess } from '../../engine/engine-process.js';
import { openStudio } from '../support.js';
import { type SpeakingStudio, itemsOutOfTrash, speakingStudio } from './studio.js';

/** Every way out of the studio, walked with a voice that agreed, one that was taken back, and one that this library never knew. */

let engine = '';
beforeAll(async () => {
  engine = await bundleEngineProcess('consent');
}, 120_000);

/** A take, one of its items, and the tokens of that as a file. */
interface Said {
  test: SpeakingStudio;
  job: string;
  id: string;
  tokens: Uint8Array;
}

type Way = (said: Said) => Promise<Uint8Array>;

const asset = async ({ test }: Said, url: string): Promise<Uint8Array> => {
  const found = await test.studio.asset(url);
  if (!found) throw new Error(`no file behind ${url}`);
  return readFileSync(found.file);
};
const first = <T>([one]: readonly T[]): T => {
  if (one === undefined) throw new Error('nothing came back');
  return one;
};

/** Calls that answer with a sound of somebody's voice, or with what anybody can make into one without being asked for a consent. */
const SOUNDING = {
  'items.export': async (said) => asset(said, (await said.test.ask('items.export', { ids: [said.id], format: 'wav' })).url),
  'speech.export': async (said) => asset(said, (await said.test.ask('speech.export', { job: said.job, index: null, format: 'wav' })).url),
  'tokens.decode': async ({ test, id }) => first((await test.ask('tokens.decode', { id, views: [{ depth: 4 }] })).frames),
  'tokens.export': async (said) => asset(said, (await said.test.ask('tokens.export', { id: said.id, format: 'strip' })).url),
  'codebook.look': async ({ test, id }) =>
    first((await test.ask('codebook.look', { model: 'tiny-voice', depth: 1, codes: [1], base: id })).frames),
  'tokens.edit': async (said) => {
    const edited = await said.test.ask('tokens.edit', { id: said.id, edit: { kind: 'zeroDepth', depth: 4 } });
    return asset(said, `/assets/items/${edited.id}/sound.wav`);
  },
} as const satisfies Partial<Record<CallName, Way>>;

/** The same calls asked in another way, and the ways that are no calls. */
const OTHERS: Record<string, Way> = {
  'an item as FLAC': async (said) => asset(said, (await said.test.ask('items.export', { ids: [said.id], format: 'flac' })).url),
  'an item as MP3': async (said) => asset(said, (await said.test.ask('items.export', { ids: [said.id], format: 'mp3' })).url),
  'items in a zip': async (said) => {
    const { sentences } = await said.test.ask('speech.take', { job: said.job });
    const ids = [said.id, ...sentences.flatMap(({ item }) => item?.id ?? [])];
    const zip = await said.test.ask('items.export', { ids, format: 'wav' });
    return first(Object.values(unzipSync(await asset(said, zip.url))));
  },
  'a sentence': async (said) => asset(said, (await said.test.ask('speech.export', { job: said.job, index: 0, format: 'wav' })).url),
  'the address of an item': (said) => asset(said, `/assets/items/${said.id}/sound.wav`),
  'the address of a take': (said) => asset(said, `/assets/takes/${said.job}/take.wav`),
  'what a step revealed': async ({ test, id }) => first((await test.ask('tokens.decode', { id, views: [{ step: 2 }] })).frames),
  'what depths add': async ({ test, id }) => first((await test.ask('tokens.decode', { id, views: [{ from: 1, to: 3 }] })).frames),
  'tokens that came in': async ({ test, tokens }) => {
    const item = await test.ask('tokens.import', { name: 'a.safetensors', bytes: new Uint8Array(tokens), model: 'tiny-voice' });
    return first((await test.ask('tokens.decode', { id: item.id, views: [{ depth: 4 }] })).frames);
  },
  'a token file': async ({ test, tokens }) => (await test.studio.decodeTokens(tokens)).bytes,
};

/** Calls that answer with no sound. A new call has to be put here, or with those that are walked. */
const SOUNDLESS: Record<Exclude<CallName, keyof typeof SOUNDING>, string> = {
  'app.info': 'facts',
  'settings.get': 'facts',
  'settings.set': 'facts',
  'models.list': 'facts',
  'models.card': 'text',
  'models.verify': 'facts',
  'models.recentClasses': 'facts',
  'engine.status': 'facts',
  'engine.probe': 'facts',
  'jobs.create': 'makes pictures',
  'jobs.list': 'facts',
  'jobs.cancel': 'facts',
  'jobs.retry': 'its job asks for each sentence: see “a text”',
  'jobs.pause': 'facts',
  'jobs.resume': 'as jobs.retry',
  'jobs.move': 'facts',
  'jobs.cancelAll': 'facts',
  'jobs.remove': 'facts',
  'items.list': 'facts',
  'items.get': 'facts',
  'items.remove': 'facts',
  'items.restore': 'facts',
  'items.purge': 'facts',
  'items.favourite': 'facts',
  'items.tag': 'facts',
  'items.import': 'tokens of a file of the person’s own',
  'library.summary': 'facts',
  'recipe.read': 'facts',
  'tokens.get': 'codes beside their recipe, and whether they may be heard',
  'tokens.replay': 'facts',
  'tokens.compare': 'facts',
  'tokens.cancel': 'facts',
  'tokens.import': 'its item is decoded like any other',
  'codebook.usage': 'facts',
  'codebook.map': 'facts',
  'codebook.nearest': 'facts',
  'codebook.items': 'facts',
  'reports.list': 'facts',
  'reports.read': 'text',
  'reports.dismiss': 'facts',
  'reports.openFolder': 'facts',
  'reports.addPageError': 'facts',
  'licences.list': 'facts',
  'licences.read': 'text',
  'voices.list': 'facts',
  'voices.open': 'the file that was given',
  'voices.check': 'facts',
  'voices.add': 'facts',
  'voices.rename': 'facts',
  'voices.remove': 'facts',
  'voices.restore': 'facts',
  'voices.purge': 'facts',
  'voices.export': 'the clip, which nobody made, with its consent',
  'speech.plan': 'text',
  'speech.say': 'its job asks for each sentence: see “a text”',
  'speech.take': 'facts',
  'speech.again': 'as speech.say',
  'dictionary.list': 'facts',
  'dictionary.set': 'facts',
  'dictionary.remove': 'facts',
};

const WAYS: [string, Way][] = Object.entries({ ...SOUNDING, ...OTHERS });

async function said(test: SpeakingStudio): Promise<Said> {
  const { id: job } = await test.say();
  const { sentences } = await test.ask('speech.take', { job });
  const id = sentences[0]?.item?.id ?? '';
  return { test, job, id, tokens: readFileSync((await test.studio.asset(`/assets/items/${id}/tokens.safetensors`))?.file ?? '') };
}

it('every call is either walked or known to give no sound', () => {
  expect([...Object.keys(SOUNDING), ...Object.keys(SOUNDLESS)].sort()).toEqual(Object.keys(calls).sort());
});

it('a sound is marked and written by one file for everybody, and by the library for itself', () => {
  const users = (pattern: RegExp): string[] =>
    readdirSync('src', { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && pattern.test(readFileSync(join('src', name), 'utf8')))
      .map((name) => name.replaceAll('\\', '/'))
      .sort();
  expect(users(/\bmarkedWav\(/)).toEqual(['studio/exports.ts', 'studio/library.ts', 'studio/sound-marks.ts', 'studio/sounds.ts']);
  expect(users(/\bcompressed\(/)).toEqual(['studio/compressed-sound.ts', 'studio/exports.ts']);
  // Without marks: clips of people, which no machine made, the coders themselves, and what a page plays of its own.
  expect(users(/\btoWav\(/)).toEqual([
    'contract/wav.ts',
    'renderer/shared/m4a.ts',
    'renderer/voices/voices.svelte.ts',
    'studio/compressed-sound.ts',
    'studio/sound-marks.ts',
    'studio/voices/handlers.ts',
    'studio/voices/voices.ts',
  ]);
});

describe('a voice in a sound', { timeout: 240_000 }, () => {
  it('that agreed is heard every way, and every way says that it is synthetic', async () => {
    const it = await said(await speakingStudio(engine));
    for (const [name, way] of WAYS) {
      const bytes = await way(it);
      expect([name, (compressedFormat(bytes) ? readTags(bytes) : readMarks(bytes)).synthetic]).toEqual([name, true]);
    }
    // Tokens without their voice would be heard by anybody: they leave with it, or only while it agrees.
    await it.test.ask('settings.set', { embedRecipe: false });
    const plain = await asset(it, (await it.test.ask('tokens.export', { id: it.id, format: 'safetensors' })).url);
    expect(readTokenFile(plain).recipe).toEqual(expect.not.objectContaining({ speech: expect.anything() as unknown }));
    expect(readTokenFile(plain).recipe.voice).toBe(it.test.voice.id);
  });

  it('that was taken back is heard no way, also not where it had been made before', async () => {
    const before = await said(await speakingStudio(engine));
    for (const [, way] of WAYS) await way(before);
    await before.test.ask('voices.remove', { id: before.test.voice.id });
    await refused(before, /^not-found: |^no file behind |“Ada” is in the trash/);
    // A library of an earlier version may have its items out of the trash.
    const after = { ...before, test: await itemsOutOfTrash(before.test, engine) };
    await refused(after, /The voice “Ada” is in the trash|^no file behind /);
    const { cannot } = await after.test.ask('tokens.get', { id: after.id });
    expect(cannot.decode).toBe('The voice “Ada” is in the trash. Restore it first.');
    for (const format of ['npy', 'csv'] as const)
      await expect(after.test.ask('tokens.export', { id: after.id, format })).rejects.toThrow('The voice “Ada” is in the trash');
    await expect(after.test.say()).rejects.toThrow('The voice “Ada” is in the trash');
    await after.test.ask('voices.restore', { id: after.test.voice.id });
    for (const [name, way] of WAYS) expect([name, (await way(after)).length > 44]).toEqual([name, true]);
  });

  it('that this library never knew is heard no way', async () => {
    const { test, tokens } = await said(await speakingStudio(engine));
    const file = readTokenFile(tokens);
    const stranger = writeTokenFile({ ...file, recipe: { ...file.recipe, voice: 'v'.repeat(21) } });
    const unknown = /no-consent: This is in a voice that is not kept here|This is in a voice that is not kept here/;
    await expect(test.studio.decodeTokens(stranger)).rejects.toThrow(unknown);
    const item = await test.ask('tokens.import', { name: 'a.safetensors', bytes: new Uint8Array(stranger), model: 'tiny-voice' });
    await expect(test.ask('tokens.decode', { id: item.id, views: [{ depth: 4 }] })).rejects.toThrow(unknown);
    await expect(test.ask('tokens.export', { id: item.id, format: 'strip' })).rejects.toThrow(unknown);
    // Its tokens can be changed without a sound, and are mixed with nobody's.
    const zeroed = await test.ask('tokens.edit', { id: item.id, edit: { kind: 'zeroDepth', depth: 4 } });
    expect(zeroed.recipe).toMatchObject({ voice: 'v'.repeat(21) });
    expect(await test.studio.asset(`/assets/items/${zeroed.id}/sound.wav`)).toBeNull();
    const own = (await test.ask('items.list', { limit: 9, before: null, kind: 'speech', search: 'hello' })).items.find(
      ({ recipe }) => recipe.voice === test.voice.id,
    );
    await expect(test.ask('tokens.edit', { id: own?.id ?? '', edit: { kind: 'swap', other: item.id, at: 2 } })).rejects.toThrow(unknown);
  });

  it('of a picture is nobody’s', async () => {
    const { ask, studio } = openStudio();
    await expect(ask('codebook.look', { model: 'fake', depth: 1, codes: [1], base: null })).resolves.toMatchObject({
      contentType: 'image/png',
    });
    expect(await studio.asset('/assets/items/x/sound.wav')).toBeNull();
  });
});

async function refused(it: Said, sentence: RegExp): Promise<void> {
  for (const [name, way] of WAYS) {
    const answer = await way(it).then(
      (bytes) => `${bytes.length} bytes came`,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    expect(answer, name).toMatch(sentence);
  }
}
