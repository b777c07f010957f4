import { cpSync, readFileSync, readdirSync, truncateSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ParamsInput, assets } from '../../../src/contract/index.js';
import { nodeEngine } from '../../../src/studio/index.js';
import { bundleEngineProcess } from '../engine/engine-process.js';
import { speakingStudio } from '../studio/speech/studio.js';
import { type TestStudio, openStudio, request, temporaryFolder } from '../studio/support.js';
import { CASES } from './mutations.js';

const CORPUS = resolve('test/fixtures/hostile');
const FILES = readdirSync(CORPUS).filter((name) => name !== 'README.md');
const SENTENCE = /^[\p{Lu}“].*\.$/su;

let engine = '';
beforeAll(async () => {
  engine = await bundleEngineProcess('corpus');
}, 120_000);

/** Every call that takes a file, with this one. */
function asks(name: string): [call: Parameters<TestStudio['ask']>[0], params: unknown][] {
  const file = { name, bytes: new Uint8Array(readFileSync(join(CORPUS, name))) };
  return [
    ['recipe.read', file],
    ['items.import', { ...file, model: 'fake' }],
    ['items.import', { ...file, model: 'tiny-codec' }],
    ['tokens.import', { ...file, model: 'fake' }],
    ['voices.open', file],
    ['voices.check', { file, region: null }],
    ['voices.add', { name: 'Ada', file, region: null, consent: 'I agree to that.' } satisfies ParamsInput<'voices.add'>],
  ];
}

it('at least 10,000 cases are generated and mutated in a run', () => {
  const { compressedSound, graph, sound, ...once } = CASES;
  const sum = Object.values(once).reduce((a, b) => a + b, 0);
  expect(sum + 2 * compressedSound + 3 * graph + sound).toBeGreaterThanOrEqual(10_000);
});

it(
  'every file of the corpus is refused with a sentence by every reader, or taken, and nothing of it stays half-done',
  { timeout: 240_000 },
  async () => {
    const data = temporaryFolder();
    cpSync(resolve('test/fixtures/codecs/tiny-codec'), join(data, 'models', 'tiny-codec'), { recursive: true });
    const { studio, ask } = openStudio({ data, spawn: nodeEngine(engine) });
    let refused = 0;
    for (const name of FILES) {
      for (const [call, params] of asks(name)) {
        const reply = await studio.call(call, params as never);
        if (reply.ok) continue;
        refused++;
        expect(reply.error.code, `${name} by ${call}: ${reply.error.message}`).not.toBe('internal');
        expect(reply.error.message, `${name} by ${call}`).toMatch(SENTENCE);
      }
      await studio.decodeTokens(readFileSync(join(CORPUS, name))).then(
        () => expect(name).toBe('refused'),
        (error: unknown) => expect(error, name).toMatchObject({ code: 'bad-file', message: expect.stringMatching(SENTENCE) as string }),
      );
    }
    // Most are good for nothing at all.
    expect(refused).toBeGreaterThan(FILES.length * 6);
    expect(await ask('reports.list', null)).toEqual([]);
    const { items } = await ask('items.list', { limit: 500, before: null, kind: null, search: '' });
    expect(readdirSync(join(data, 'items')).sort()).toEqual(items.map(({ id }) => id).sort());
  },
);

describe('a file of an item that is cut off', () => {
  it('is noticed wherever it was cut, told in a sentence, and not shown as half a picture', async () => {
    const { ask, ended, studio, data } = openStudio();
    await ended((await ask('jobs.create', request({ count: 1 }))).id);
    const { items } = await ask('items.list', { limit: 9, before: null, kind: null, search: '' });
    const id = items[0]?.id ?? '';
    const file = join(data, 'items', id, 'picture.png');
    const { length } = readFileSync(file);
    expect(await studio.asset(assets.picture(id))).not.toBeNull();
    for (const size of [length - 1, length - 12, 60, 44, 43, 8, 1, 0]) {
      truncateSync(file, size);
      expect([size, await studio.asset(assets.picture(id)), await studio.asset(assets.thumbnail(id))]).toEqual([size, null, null]);
      for (const format of ['png', 'jpeg', 'sheet'] as const)
        await expect(ask('items.export', { ids: [id], format })).rejects.toThrow(
          /^bad-file: The file picture\.png of an item is damaged or cut off\. It is in .* Restore it from a copy, or delete the item\.$/,
        );
    }
  });

  it('of a sound leaves the rest of its take to be heard, and the take says which sentence it is', { timeout: 120_000 }, async () => {
    const { ask, say, studio, data } = await speakingStudio(engine);
    const { id: job } = await say();
    const before = await ask('speech.take', { job });
    const id = before.sentences[1]?.item?.id ?? '';
    await studio.close();
    truncateSync(join(data, 'items', id, 'sound.wav'), 43);
    const again = await speakingStudio(engine, data);
    const take = await again.ask('speech.take', { job });
    expect(take.sentences.map(({ item, start }) => [item !== null, start !== null])).toEqual([
      [true, true],
      [true, false],
      [true, true],
    ]);
    expect(await again.studio.asset(assets.sound(id))).toBeNull();
    await expect(again.ask('speech.export', { job, index: null, format: 'wav' })).rejects.toThrow(
      'The sound of sentence 2 is damaged or missing. Say that sentence again, or restore its file.',
    );
    await again.ask('speech.again', { job, index: 1, seed: 9 });
    await again.event('job', (one) => one.id === job && one.state === 'done');
    expect((await again.ask('speech.take', { job })).sentences.every(({ start }) => start !== null)).toBe(true);
  });
});
