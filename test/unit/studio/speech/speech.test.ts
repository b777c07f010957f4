import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { fromWav } from '../../../../src/contract/index.js';
import * as files from '../../../../src/studio/files.js';
import { readMarks } from '../../../../src/studio/sound-marks.js';
import { writeNpy } from '../../../../src/engine/index.js';
import { bundleEngineProcess } from '../../engine/engine-process.js';
import { openStudio } from '../support.js';
import { speech, wavFile } from '../voices/signals.js';
import { CONSENT, FAST, type SpeakingStudio, TEXT, itemsOutOfTrash, speakingStudio } from './studio.js';

vi.mock('../../../../src/studio/files.js', { spy: true });

let engine = '';
beforeAll(async () => {
  engine = await bundleEngineProcess('speech');
}, 120_000);

const everything = { limit: 100, before: null, kind: null, search: '' } as const;

async function bytesOf({ studio }: SpeakingStudio, url: string): Promise<Buffer> {
  const asset = await studio.asset(url);
  if (!asset) throw new Error(`${url} is not there`);
  return readFileSync(asset.file);
}

/** Of a studio that is closed. */
function change(data: string, by: (db: Database.Database) => unknown): void {
  const db = new Database(join(data, 'studio.db'));
  by(db);
  db.close();
}

describe('a text', { timeout: 240_000 }, () => {
  it('is planned before it is said', async () => {
    const { ask } = openStudio();
    // The fake package makes pictures.
    await expect(ask('speech.plan', { model: 'fake', text: 'Hello.', speed: 1 })).rejects.toThrow("The model “fake” can't speak.");
    const { ask: speaking } = await speakingStudio(engine);
    const plan = await speaking('speech.plan', { model: 'tiny-voice', text: TEXT, speed: 1 });
    expect(plan.sentences.map(({ text }) => text)).toEqual(['Hello there.', 'How are you?', 'Fine.']);
    expect(plan.sentences[2]?.phones).toEqual(['_', 'F', 'AY1', 'N', '.']);
    const twice = await speaking('speech.plan', { model: 'tiny-voice', text: TEXT, speed: 2 });
    expect(twice.seconds).toBeCloseTo(plan.seconds / 2, 5);
    await speaking('dictionary.set', { word: 'fine', said: 'foyn' });
    // Numbers are longer when they are said: nothing of a text that the model can't say whole is begun.
    const numbers = { model: 'tiny-voice', text: `Fine. ${'1234567, '.repeat(33)}`, speed: 1 };
    await expect(speaking('speech.plan', numbers)).rejects.toThrow(
      /The sentence that begins with “1234567, .*” has 2,1\d\d phones: the limit is 1,024 /,
    );
    const other = await speaking('speech.plan', { model: 'tiny-voice', text: 'Fine.', speed: 1 });
    expect(other.sentences[0]?.phones).not.toEqual(['_', 'F', 'AY1', 'N', '.']);
  });

  it('becomes an item a sentence, a take, and a marked file', async () => {
    const test = await speakingStudio(engine);
    const { ask, voice, say } = test;
    const job = await say();
    expect(job).toMatchObject({ kind: 'speech', state: 'done', done: 3, total: 3, error: null });
    const { items } = await ask('items.list', { ...everything, search: 'hello' });
    expect(items).toMatchObject([
      { kind: 'speech', recipe: { seed: 5, voice: voice.id, sampling: FAST, speech: { text: 'Hello there.' } } },
    ]);

    const take = await ask('speech.take', { job: job.id });
    expect(take.sentences.map(({ gap }) => gap)).toEqual([0.35, 0.7, 0]);
    for (const { item, seconds, start } of take.sentences) {
      const { phones, ms } = item?.recipe.speech ?? {};
      expect(ms).toHaveLength(phones?.length ?? -1);
      expect([typeof seconds, typeof start]).toEqual(['number', 'number']);
    }
    const [first, second, third] = take.sentences;
    expect(second?.start).toBeCloseTo((first?.start ?? 0) + (first?.seconds ?? 0) + 0.35, 3);
    expect(take.seconds).toBeCloseTo((third?.start ?? 0) + (third?.seconds ?? 0), 3);

    const heard = fromWav(await bytesOf(test, `/assets/takes/${job.id}/take.wav`));
    expect(heard.samples.length / heard.sampleRate).toBeCloseTo(take.seconds, 3);
    const exported = await ask('speech.export', { job: job.id, index: null, format: 'wav' });
    expect(exported.name).toBe('Hello there. How are you Fine.wav');
    expect(fromWav(await bytesOf(test, exported.url)).samples).toEqual(heard.samples);
  });

  it('keeps the silence that is written before it, in it and at its end', async () => {
    const { ask, say } = await speakingStudio(engine);
    const job = await say({ text: '[pause 0.5s] Fine. [pause 1s] [pause 250ms] Fine. [pause 2s]' });
    const take = await ask('speech.take', { job: job.id });
    expect(take.sentences.map(({ gap }) => gap)).toEqual([1.25, 2]);
    expect(take.sentences[0]?.start).toBeCloseTo(0.5, 3);
    const [, last] = take.sentences;
    expect(take.seconds).toBeCloseTo((last?.start ?? 0) + (last?.seconds ?? 0) + 2, 3);
    await expect(say({ text: 'Fine. [pause 11s] Fine.' })).rejects.toThrow('“[pause 11s]” is longer than the 10 seconds');
  });

  it('of several candidates names the seed that was kept, with which one alone says the same', async () => {
    const { ask, say } = await speakingStudio(engine);
    const saidBy = async (request: Parameters<SpeakingStudio['say']>[0]) => {
      const { sentences } = await ask('speech.take', { job: (await say(request)).id });
      return Promise.all(
        sentences.map(async ({ item }) => {
          if (!item) throw new Error('no sentence');
          return { recipe: item.recipe, codes: (await ask('tokens.get', { id: item.id })).codes };
        }),
      );
    };
    const best = await saidBy({ sampling: { ...FAST, candidates: 4 } });
    expect(best.map(({ recipe }) => recipe.seed)).toEqual([5, 6, 7]);
    const others = best.filter(({ recipe }) => recipe.speech?.keptSeed !== undefined);
    expect(others.length).toBeGreaterThan(0);
    for (const { recipe, codes } of others) {
      const [alone] = await saidBy({ text: recipe.speech?.text ?? '', seed: recipe.speech?.keptSeed ?? 0 });
      expect(alone?.codes).toEqual(codes);
      expect(alone?.recipe.speech).not.toHaveProperty('keptSeed');
    }
  });

  it('says a sentence again with another seed, and the old one can be had back', async () => {
    const { ask, say, ended, events, studio } = await speakingStudio(engine);
    const job = await say();
    const before = await ask('speech.take', { job: job.id });
    const old = before.sentences[1]?.item?.id ?? '';
    events.length = 0;
    await ask('speech.again', { job: job.id, index: 1, seed: 77 });
    await ended(job.id);
    const after = await ask('speech.take', { job: job.id });
    expect(after.job).toMatchObject({ state: 'done', done: 3, request: { again: { 1: 77 } } });
    expect(after.sentences.map(({ item }) => item?.recipe.seed)).toEqual([5, 77, 7]);
    expect(after.sentences[0]?.item?.id).toBe(before.sentences[0]?.item?.id);
    expect(await ask('items.get', { id: old })).toMatchObject({ jobId: null, deletedAt: expect.any(Number) as number });
    await ask('items.restore', { ids: [old] });
    expect((await ask('items.list', everything)).total).toBe(4);
    // The whole take says in its recipe which seed is another than its own.
    const file = await ask('speech.export', { job: job.id, index: null, format: 'wav' });
    const bytes = new Uint8Array(readFileSync((await studio.asset(file.url))?.file ?? ''));
    expect(await ask('recipe.read', { name: 'take.wav', bytes })).toMatchObject({ seed: 5, speech: { text: TEXT, again: { 1: 77 } } });
    await expect(ask('speech.again', { job: job.id, index: 3, seed: 1 })).rejects.toThrow('This text has 3 sentences. Choose one of them.');
  });

  it('is said again as it was planned, also where rules have changed since, but for words of the own dictionary', async () => {
    const { say, data, studio } = await speakingStudio(engine);
    const job = await say({ text: 'Fine one. Fine two.' });
    await studio.close();
    // As an earlier studio might have read it.
    change(data, (db) => {
      const { plan } = db.prepare('SELECT plan FROM plans WHERE job = ?').get(job.id) as { plan: string };
      const other = plan.replaceAll('"AY1"', '"OY1"').replace('"gap":0.35', '"gap":1.5');
      db.prepare('UPDATE plans SET plan = ? WHERE job = ?').run(other, job.id);
    });
    const { ask, ended, events, studio: later } = await speakingStudio(engine, data);
    const again = async (index: number, seed: number): Promise<string> => {
      events.length = 0;
      await ask('speech.again', { job: job.id, index, seed });
      await ended(job.id);
      const { sentences } = await ask('speech.take', { job: job.id });
      expect(sentences.map(({ text }) => text)).toEqual(['Fine one.', 'Fine two.']);
      return sentences[index]?.item?.recipe.speech?.phones.join(' ') ?? '';
    };
    expect(await again(0, 70)).toBe('_ F OY1 N _ W AH1 N .');
    expect((await ask('speech.take', { job: job.id })).sentences[0]?.gap).toBe(1.5);
    await ask('dictionary.set', { word: 'two', said: 'toy' });
    expect(await again(1, 71)).toBe('_ F AY1 N _ T OY1 .');
    expect(await again(0, 72)).toBe('_ F OY1 N _ W AH1 N .');
    await ask('jobs.remove', { ids: [job.id] });
    await later.close();
    change(data, (db) => expect(db.prepare('SELECT count(*) AS n FROM plans').get()).toMatchObject({ n: 0 }));
  });

  it('of an earlier studio, which kept no plan, gets one', async () => {
    const { say, data, studio } = await speakingStudio(engine);
    const job = await say({ text: 'Fine.' });
    await studio.close();
    change(data, (db) => db.exec('DELETE FROM plans'));
    const later = await speakingStudio(engine, data);
    expect((await later.ask('speech.take', { job: job.id })).sentences).toMatchObject([{ text: 'Fine.', gap: 0 }]);
    await later.studio.close();
    change(data, (db) => expect(db.prepare('SELECT count(*) AS n FROM plans').get()).toMatchObject({ n: 1 }));
  });

  it('can have a sentence said again while it is still being said', async () => {
    const { ask, voice, event, ended } = await speakingStudio(engine);
    const request = { model: 'tiny-voice', voice: voice.id, text: TEXT, seed: 5, sampling: { ...FAST, steps: 60 } };
    const { id } = await ask('speech.say', request);
    await event('progress', ({ indices }) => indices[0] === 1);
    // The one that is done, and the one that is on its way.
    await ask('speech.again', { job: id, index: 0, seed: 70 });
    await ask('speech.again', { job: id, index: 1, seed: 71 });
    expect(await ended(id)).toMatchObject({ state: 'done', done: 3 });
    const { sentences } = await ask('speech.take', { job: id });
    expect(sentences.map(({ item }) => item?.recipe.seed)).toEqual([70, 71, 7]);
  });

  it('can have a sentence said again while it is being written', async () => {
    const { ask, ended, voice } = await speakingStudio(engine);
    let job = '';
    vi.mocked(files.writeFolder).mockImplementationOnce(async (folder, content) => {
      const { writeFolder } = await vi.importActual<typeof files>('../../../../src/studio/files.js');
      await ask('speech.again', { job, index: 0, seed: 77 });
      return writeFolder(folder, content);
    });
    job = (await ask('speech.say', { model: 'tiny-voice', voice: voice.id, text: 'Fine.', seed: 5, sampling: FAST, speed: 1 })).id;
    expect(await ended(job)).toMatchObject({ state: 'done', done: 1 });
    const { sentences } = await ask('speech.take', { job });
    expect(sentences[0]?.item?.recipe.seed).toBe(77);
    expect((await ask('items.list', everything)).total).toBe(1);
  });

  it('keeps what is finished where the disk is full, and goes on when there is space', async () => {
    const { ask, say, ended, events } = await speakingStudio(engine);
    let writes = 0;
    vi.mocked(files.writeFolder).mockImplementation(async (folder, content) => {
      if (++writes > 1) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      const { writeFolder } = await vi.importActual<typeof files>('../../../../src/studio/files.js');
      return writeFolder(folder, content);
    });
    const job = await say();
    expect(job).toMatchObject({ state: 'failed', done: 1, error: expect.stringMatching(/^The disk is full\. Free some space/) as string });
    expect((await ask('speech.take', { job: job.id })).seconds).toBeGreaterThan(0);
    vi.mocked(files.writeFolder).mockRestore();
    events.length = 0;
    await ask('jobs.retry', { id: job.id });
    expect(await ended(job.id)).toMatchObject({ state: 'done', done: 3 });
  });

  it('goes on after the last sentence that is kept, also where a crash came before its row', async () => {
    const test = await speakingStudio(engine);
    const { ask, voice, studio, data, event } = test;
    const { id } = await ask('speech.say', { model: 'tiny-voice', voice: voice.id, text: TEXT, seed: 5, sampling: { ...FAST, steps: 40 } });
    await event('itemAdded');
    await studio.close();
    const db = new Database(join(data, 'studio.db'));
    db.exec("DELETE FROM items; UPDATE jobs SET state = 'running', done = 0");
    db.close();
    const again = await speakingStudio(engine, data);
    expect(await again.ended(id)).toMatchObject({ state: 'done', done: 3 });
    const { sentences } = await again.ask('speech.take', { job: id });
    expect(sentences.map(({ item }) => item?.recipe.seed)).toEqual([5, 6, 7]);
    expect((await again.ask('items.list', everything)).total).toBe(3);
    expect(sentences[0]?.item?.durationMs).toBeNull();
  });

  it('that can not be said is refused with a sentence', async () => {
    const { ask, say, voice } = await speakingStudio(engine);
    await expect(say({ text: '' })).rejects.toThrow(/^bad-request: Text must have at least 1 characters/);
    await expect(say({ text: '  ' })).rejects.toThrow('There is no text to say.');
    await expect(say({ text: '☺' })).rejects.toThrow('There are no words in this text');
    await expect(say({ text: 'a'.repeat(50_001) })).rejects.toThrow(/^bad-request: Text must have at most 50,000 characters/);
    await expect(say({ text: 'Привет.' })).rejects.toThrow('This voice reads English in Latin letters only, but the text has “П”.');
    await expect(say({ model: 'fake' })).rejects.toThrow("The model “fake” can't speak.");
    await expect(say({ voice: '0123456789abcdef' })).rejects.toThrow('not-found: There is no such voice');
    await ask('voices.remove', { id: voice.id });
    await expect(say()).rejects.toThrow('not-found: The voice “Ada” is in the trash. Restore it first.');
  });

  it('of a voice that goes is gone with it, and comes back', async () => {
    const test = await speakingStudio(engine);
    const { ask, say, voice } = test;
    const job = await say({ text: 'Fine.' });
    const { url } = await ask('speech.export', { job: job.id, index: 0, format: 'wav' });
    expect(readMarks(await bytesOf(test, url)).synthetic).toBe(true);
    await ask('voices.remove', { id: voice.id });
    expect((await ask('items.list', everything)).total).toBe(0);
    await expect(ask('speech.export', { job: job.id, index: null, format: 'wav' })).rejects.toThrow('The voice “Ada” is in the trash');
    await ask('voices.restore', { id: voice.id });
    expect((await ask('speech.take', { job: job.id })).sentences[0]?.item?.recipe.voice).toBe(voice.id);
  });

  it('of a voice that goes while a sentence is written leaves nothing of it', async () => {
    const { ask, say, voice, data } = await speakingStudio(engine);
    vi.mocked(files.writeFolder).mockImplementation(async (folder, content) => {
      const { writeFolder } = await vi.importActual<typeof files>('../../../../src/studio/files.js');
      await ask('voices.remove', { id: voice.id });
      return writeFolder(folder, content);
    });
    const job = await say({ text: 'Fine.' });
    vi.mocked(files.writeFolder).mockRestore();
    expect(job).toMatchObject({ state: 'failed', error: 'The voice “Ada” is in the trash. Restore it first.' });
    expect((await ask('items.list', everything)).total).toBe(0);
    expect(readdirSync(join(data, 'items'))).toHaveLength(1);
    await ask('voices.purge', { id: voice.id });
    expect(readdirSync(join(data, 'items'))).toEqual([]);
  });

  it('whose sound is missing says which file it needs', async () => {
    const { ask, say, data } = await speakingStudio(engine);
    const job = await say({ text: 'Fine.' });
    const [item] = (await ask('items.list', everything)).items;
    rmSync(join(data, 'items', item?.id ?? '', 'sound.wav'));
    expect((await ask('speech.take', { job: job.id })).sentences).toMatchObject([{ start: null, seconds: null }]);
    const lost = 'The sound of sentence 1 is damaged or missing. Say that sentence again';
    await expect(ask('speech.export', { job: job.id, index: null, format: 'wav' })).rejects.toThrow(lost);
  });
});

describe('the edit of a sentence', { timeout: 240_000 }, () => {
  it('that keeps no token says it as it was said, and in the other order something else', async () => {
    const { ask, say } = await speakingStudio(engine);
    await say({ text: 'Fine.' });
    const [item] = (await ask('items.list', everything)).items;
    const { id = '', recipe } = item ?? {};
    const again = async (reveal: 'confidence' | 'random') => {
      const edit = { kind: 'resampleBelow', depth: 0 } as const;
      const made = await ask('tokens.edit', { id, edit, seed: recipe?.seed, sampling: { ...FAST, reveal } });
      expect(made.recipe).toMatchObject({ speech: recipe?.speech, voice: recipe?.voice, sampling: { reveal } });
      return ask('tokens.get', { id: made.id });
    };
    const { codes } = await ask('tokens.get', { id });
    expect((await again('confidence')).codes).toEqual(codes);
    expect((await again('random')).codes).not.toEqual(codes);
  });

  it('is compared with the sentence itself, also where it is said at another speed', async () => {
    const { ask, say } = await speakingStudio(engine);
    await say({ text: 'Fine.' });
    await say({ text: 'Fine.', speed: 2 });
    await say({ text: 'Hello there.' });
    const [other, fast, item] = (await ask('items.list', everything)).items;
    const compare = async (b: string | undefined) => ask('tokens.compare', { a: item?.id ?? '', b: b ?? '' });
    const { L, aligned, differs } = await compare(fast?.id);
    const { L: fastL } = await ask('tokens.get', { id: fast?.id ?? '' });
    expect(fastL).toBeLessThan(L);
    expect(aligned).toMatchObject({ by: 'phones', L: fastL });
    expect(differs).toHaveLength(L * 4);
    const positions = new Int32Array(aligned?.positions.slice().buffer ?? new ArrayBuffer());
    expect([positions[0], positions.at(-1)]).toEqual([0, fastL - 1]);
    expect((await compare(other?.id)).aligned?.by).toBe('tokens');
    const edited = await ask('tokens.edit', { id: item?.id ?? '', edit: { kind: 'zeroDepth', depth: 4 }, seed: 0 });
    expect((await compare(edited.id)).aligned).toBeNull();
  });

  it('with a clip is of the voice, also where the clip comes first', async () => {
    const { ask, say, voice } = await speakingStudio(engine);
    await say({ text: 'Fine.' });
    const [item] = (await ask('items.list', everything)).items;
    const { L, D } = await ask('tokens.get', { id: item?.id ?? '' });
    const bytes = new Uint8Array(writeNpy({ L, D, codes: new Int32Array(L * D) }));
    const clip = await ask('tokens.import', { name: 'clip.npy', bytes, model: 'tiny-voice' });
    const mixed = await ask('tokens.edit', { id: clip.id, edit: { kind: 'swap', other: item?.id ?? '', at: 1 } });
    expect(mixed.recipe.voice).toBe(voice.id);
    await ask('voices.remove', { id: voice.id });
    expect((await ask('items.list', everything)).items.map(({ id }) => id)).toEqual([clip.id]);
  });

  it('that mixes two voices names both, needs both, and goes and comes with either', async () => {
    const { ask, say, voice: ada } = await speakingStudio(engine);
    const bob = await ask('voices.add', { name: 'Bob', file: wavFile(speech({ seconds: 4, hertz: 105 })), region: null, consent: CONSENT });
    await say({ text: 'Fine.' });
    await say({ text: 'Fine.', voice: bob.id });
    const [ofBob, ofAda] = (await ask('items.list', everything)).items;
    const [a, b] = [ofAda?.id ?? '', ofBob?.id ?? ''];
    const swapped = await ask('tokens.edit', { id: a, edit: { kind: 'swap', other: b, at: 2 } });
    expect(swapped.recipe).toMatchObject({ voice: ada.id, otherVoices: [bob.id], speech: { text: 'Fine.' } });
    // Of one voice there is no other one, and what is made of a mixture is one.
    const same = await ask('tokens.edit', { id: a, edit: { kind: 'blend', other: a, alpha: 0.5 } });
    expect(same.recipe.otherVoices).toBeUndefined();
    const again = await ask('tokens.edit', { id: b, edit: { kind: 'blend', other: swapped.id, alpha: 0.5 } });
    expect(again.recipe).toMatchObject({ voice: bob.id, otherVoices: [ada.id] });
    const zeroed = await ask('tokens.edit', { id: swapped.id, edit: { kind: 'zeroDepth', depth: 4 } });
    expect(zeroed.recipe.otherVoices).toEqual([bob.id]);
    expect((await ask('voices.list', null)).map(({ name, items }) => [name, items])).toEqual([
      ['Bob', 4],
      ['Ada', 5],
    ]);

    const live = async (): Promise<string[]> => (await ask('items.list', everything)).items.map(({ id }) => id);
    await ask('voices.remove', { id: bob.id });
    expect(await live()).toEqual([same.id, a]);
    await expect(ask('items.export', { ids: [swapped.id], format: 'wav' })).rejects.toThrow(
      'The voice “Bob” is in the trash. Restore it first.',
    );
    await expect(ask('items.restore', { ids: [swapped.id] })).rejects.toThrow('The voice “Bob” is in the trash');
    await expect(ask('tokens.edit', { id: a, edit: { kind: 'swap', other: b, at: 2 } })).rejects.toThrow();
    // Ada goes too, and comes back alone: the mixtures wait for Bob.
    await ask('voices.remove', { id: ada.id });
    expect(await live()).toEqual([]);
    await ask('voices.restore', { id: ada.id });
    expect(await live()).toEqual([same.id, a]);
    await ask('voices.restore', { id: bob.id });
    expect((await live()).toSorted()).toEqual([a, b, swapped.id, same.id, again.id, zeroed.id].toSorted());
    // The other way round: what went with Bob alone comes with Bob, and not before Ada.
    await ask('voices.remove', { id: bob.id });
    await ask('voices.remove', { id: ada.id });
    await ask('voices.restore', { id: bob.id });
    expect(await live()).toEqual([b]);
    await ask('voices.restore', { id: ada.id });
    expect(await live()).toHaveLength(6);
    await ask('voices.remove', { id: bob.id });
    await ask('voices.purge', { id: bob.id });
    expect(await live()).toEqual([same.id, a]);
  });

  it('keeps what it does not name, is heard, and needs the voice', async () => {
    const test = await speakingStudio(engine);
    const { ask, say, voice, data } = test;
    await say({ text: 'Fine.' });
    const [item] = (await ask('items.list', everything)).items;
    const id = item?.id ?? '';
    const codes = async (of: string): Promise<Int32Array> => new Int32Array((await ask('tokens.get', { id: of })).codes.slice().buffer);
    const before = await codes(id);
    const edited = await ask('tokens.edit', { id, edit: { kind: 'resampleBelow', depth: 2 }, seed: 9, sampling: FAST });
    expect(edited.recipe).toMatchObject({ verb: 'edit', voice: voice.id, speech: { text: 'Fine.' }, seed: 9 });
    const after = await codes(edited.id);
    expect(after.filter((_, n) => n % 4 < 2)).toEqual(before.filter((_, n) => n % 4 < 2));
    expect(after).not.toEqual(before);
    const sound = (of: string) => fromWav(readFileSync(join(data, 'items', of, 'sound.wav'))).samples;
    expect(sound(edited.id)).toHaveLength(sound(id).length);
    expect(sound(edited.id)).not.toEqual(sound(id));

    const zeroed = await ask('tokens.edit', { id, edit: { kind: 'zeroDepth', depth: 4 }, seed: 0 });
    expect(sound(zeroed.id)).toHaveLength(sound(id).length);

    await ask('voices.remove', { id: voice.id });
    const again = await itemsOutOfTrash(test, engine);
    await expect(
      again.ask('tokens.edit', { id, edit: { kind: 'resamplePositions', positions: [0] }, seed: 1, sampling: FAST }),
    ).rejects.toThrow('The voice “Ada” is in the trash. Restore it first.');
  });
});

describe('a voice in the library', { timeout: 240_000 }, () => {
  it('narrows it, is counted, and is found by its name, also under another one', async () => {
    const { ask, say, voice } = await speakingStudio(engine);
    await say({ text: 'Fine.' });
    const total = async (change: object): Promise<number> =>
      (await ask('items.list', { limit: 9, before: null, kind: null, search: '', ...change })).total;
    expect(await total({ filter: { voice: voice.id } })).toBe(1);
    expect(await total({ filter: { voice: '0'.repeat(21) } })).toBe(0);
    expect(await total({ search: 'fine ada' })).toBe(1);
    expect((await ask('library.summary', null)).voices).toEqual([{ id: voice.id, name: 'Ada', count: 1 }]);
    await ask('voices.rename', { id: voice.id, name: 'Countess of Lovelace' });
    expect(await total({ search: 'ada' })).toBe(0);
    expect(await total({ search: 'love fine' })).toBe(1);
    await ask('voices.remove', { id: voice.id });
    expect((await ask('library.summary', null)).voices).toEqual([]);
  });
});
