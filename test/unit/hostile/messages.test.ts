import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CallName, ErrorCode, calls, fromJson, toJson } from '../../../src/contract/index.js';
import { SAMPLING, openStudio, request } from '../studio/support.js';
import { CASES, mutated } from './mutations.js';

const ID = '0123456789abcdef';

/** Parameters that each call takes; what is sent is these, damaged. */
const valid: Record<CallName, unknown> = {
  'app.info': null,
  'settings.get': null,
  'settings.set': { theme: 'dark', embedRecipe: true, provider: 'cpu', lastModel: 'fake', welcomed: true },
  'models.list': null,
  'models.card': { id: 'fake' },
  'models.verify': { id: 'fake' },
  'models.recentClasses': { id: 'fake' },
  'engine.status': null,
  'engine.probe': { model: 'none' },
  'jobs.create': request({ sampling: SAMPLING, classes: ['No such class'] }),
  'jobs.list': null,
  'jobs.cancel': { id: ID },
  'jobs.retry': { id: ID },
  'jobs.pause': { id: ID },
  'jobs.resume': { id: ID },
  'jobs.move': { id: ID, before: ID },
  'jobs.cancelAll': null,
  'jobs.remove': { ids: [ID] },
  'items.list': {
    limit: 10,
    before: ID,
    kind: 'image',
    search: 'x',
    filter: { place: 'trash', tag: 'x', model: 'fake', voice: ID, from: 1, until: 2 },
  },
  'items.get': { id: ID },
  'items.remove': { ids: [ID, ID] },
  'items.restore': { ids: [ID] },
  'items.purge': { ids: [ID] },
  'items.favourite': { ids: [ID], favourite: true },
  'items.tag': { ids: [ID], add: ['a'], remove: ['b'] },
  'library.summary': null,
  'items.export': { ids: [ID], format: 'png' },
  'items.import': { name: 'a.png', bytes: new Uint8Array(4), model: 'fake' },
  'tokens.get': { id: ID },
  'tokens.decode': { id: ID, views: [{ depth: 1 }, { step: 2 }, { depths: new Uint8Array(4) }, { from: 1, to: 2 }] },
  'tokens.replay': { id: ID },
  'tokens.compare': { a: ID, b: ID },
  'tokens.edit': { id: ID, edit: { kind: 'setCodes', codes: [{ position: 0, depth: 1, code: 2 }] }, seed: 1, className: 'x', run: ID },
  'tokens.cancel': { run: ID },
  'tokens.import': { name: 'a.npy', bytes: new Uint8Array(4), model: 'fake' },
  'tokens.export': { id: ID, format: 'csv' },
  'codebook.usage': { model: 'fake', of: { search: 'x', filter: { favourites: true, tag: 'x', from: 1, until: 2 } } },
  'codebook.map': { model: 'fake', depth: 1 },
  'codebook.nearest': { model: 'fake', depth: 1, code: 2, count: 3 },
  'codebook.look': { model: 'fake', depth: 1, codes: [1, 2], base: ID },
  'dictionary.list': null,
  'dictionary.set': { word: 'resgen', said: 'rez jen' },
  'dictionary.remove': { word: 'resgen' },
  'voices.list': null,
  'voices.open': { name: 'a.wav', bytes: new Uint8Array(4) },
  'voices.check': { file: { name: 'a.wav', bytes: new Uint8Array(4) }, region: { from: 0, until: 1 } },
  'voices.add': {
    name: 'Ada',
    file: { name: 'a.wav', bytes: new Uint8Array(4) },
    region: { from: 0, until: 1 },
    consent: 'This is my own voice.',
  },
  'voices.rename': { id: ID, name: 'Ada' },
  'voices.remove': { id: ID },
  'voices.restore': { id: ID },
  'voices.purge': { id: ID },
  'voices.export': { id: ID },
  'speech.plan': { model: 'fake', text: 'Hello.', speed: 1 },
  'speech.say': { model: 'fake', voice: ID, text: 'Hello.', seed: 1, sampling: SAMPLING, speed: 1, again: { 0: 2 } },
  'speech.take': { job: ID },
  'speech.again': { job: ID, index: 0, seed: 1 },
  'speech.export': { job: ID, index: 0, format: 'wav' },
  'codebook.items': { model: 'fake', depth: 1, code: 2, of: { ids: [ID] }, before: ID, limit: 3 },
  'recipe.read': { name: 'a.png', bytes: new Uint8Array(4) },
  'licences.list': null,
  'licences.read': { name: 'sharp', version: '1.0.0' },
  'reports.list': null,
  'reports.read': { name: '2026-11-25T07-10-02-123Z' },
  'reports.dismiss': null,
  'reports.openFolder': null,
  'reports.addPageError': { message: 'x is not a function', stack: 'at y.js:1:2' },
};

describe('a message of the contract', () => {
  it('is handled or refused with a code and a sentence, whatever is in it', async () => {
    const { studio, ask } = openStudio();
    const message = fc
      .constantFrom(...(Object.keys(calls) as CallName[]))
      .chain((name) =>
        fc.tuple(fc.constant(name), fc.oneof({ weight: 9, arbitrary: mutated(valid[name]) }, { weight: 1, arbitrary: fc.anything() })),
      );
    await fc.assert(
      fc.asyncProperty(message, async ([name, params]) => {
        const reply = await studio.call(name, params as never);
        if (reply.ok) return;
        expect(ErrorCode.options).toContain(reply.error.code);
        expect(reply.error.code).not.toBe('internal');
        expect(reply.error.message).toMatch(/^\S.*[.?]$/s);
      }),
      { numRuns: CASES.message },
    );
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    // Still itself, and nothing was made.
    expect(await ask('items.list', { limit: 1, before: null, kind: null, search: '' })).toEqual({ items: [], total: 0 });
    expect(await ask('jobs.list', null)).toEqual([]);
  }, 240_000);

  it('with a name of no call is refused', async () => {
    const { studio } = openStudio();
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty')), async (name) => {
        fc.pre(!Object.hasOwn(calls, name));
        expect(await studio.call(name as CallName, null as never)).toMatchObject({ ok: false, error: { code: 'bad-request' } });
      }),
      { numRuns: CASES.callName },
    );
  });
});

describe('JSON on the wire', () => {
  it('brings every value back, bytes too', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: 'small' },
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.uint8Array({ maxLength: 64 }),
        fc.array(tie('any'), { maxLength: 4 }),
        fc.dictionary(
          fc.string().filter((key) => key !== '$bytes' && key !== '__proto__'),
          tie('any'),
          // What comes from JSON has the usual prototype.
          { maxKeys: 4, noNullPrototype: true },
        ),
      ),
    })).any;
    fc.assert(
      // Not toEqual, which trips over keys such as “constructor”.
      fc.property(value, (sent) => isDeepStrictEqual(fromJson(toJson(sent)), sent)),
      { numRuns: CASES.json },
    );
  });

  it('that is no JSON, or nested without end, is an error and no crash', () => {
    for (const text of ['', '{', '{"$bytes":"%%%"}', `${'['.repeat(200_000)}${']'.repeat(200_000)}`]) {
      let outcome = 'handled';
      try {
        fromJson(text);
      } catch (error) {
        outcome = error instanceof Error ? 'refused' : 'thrown';
      }
      expect(['handled', 'refused']).toContain(outcome);
    }
  });
});
