import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CallName, ImageRequest, calls } from '../../../src/contract/index.js';
import { SAMPLING, openStudio, request } from './support.js';

const SENTENCE = /^\p{Lu}.{10,}[.?!]$/su;

describe('a call', () => {
  it('answers with what the contract says', async () => {
    const { studio, ask, ended } = openStudio();
    const job = await ask('jobs.create', request({ count: 1 }));
    await ended(job.id);
    for (const name of ['app.info', 'settings.get', 'models.list', 'engine.status', 'jobs.list'] as const) {
      const reply = await studio.call(name, null);
      expect(reply.ok && calls[name].result.safeParse(reply.value).error, name).toBeUndefined();
    }
    const page = await ask('items.list', { limit: 5, before: null, kind: null, search: '' });
    expect(calls['items.list'].result.safeParse(page).error).toBeUndefined();
    expect(calls['engine.probe'].result.parse(await ask('engine.probe', { model: 'fake' }))).toMatchObject({
      state: 'ready',
      model: 'fake',
      provider: 'cpu',
    });
  });

  it('never rejects and never answers without a sentence, whatever comes', async () => {
    const { studio } = openStudio();
    const call = studio.call as (name: string, params: unknown) => Promise<{ ok: boolean; error?: { code: string; message: string } }>;
    const harmless = (Object.keys(calls) as CallName[]).filter((name) => !['jobs.create', 'engine.probe'].includes(name));
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.constantFrom(...harmless), fc.constantFrom('toString', '__proto__', 'no.such')),
        fc.anything(),
        async (name, params) => {
          const reply = await call(name, params);
          if (!reply.ok) expect(reply.error?.message, `${name} ${fc.stringify(params)}`).toMatch(SENTENCE);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('takes every valid request that the contract describes and no other', () => {
    const valid = fc.record({
      model: fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,20}$/),
      classes: fc.array(fc.string({ minLength: 1, maxLength: 80 }), { minLength: 1, maxLength: 5 }),
      count: fc.integer({ min: 1, max: 1000 }),
      seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      sampling: fc.constant(SAMPLING),
      batch: fc.integer({ min: 1, max: 64 }),
    });
    fc.assert(fc.property(valid, (value) => ImageRequest.safeParse(value).success));
    fc.assert(
      fc.property(
        valid,
        fc.constantFrom('model', 'classes', 'count', 'seed', 'sampling', 'batch', 'extra'),
        fc.constantFrom<unknown>(-1, 1.5, NaN, '', [], {}, null),
        (value, key, bad) => {
          return !ImageRequest.safeParse({ ...value, [key]: bad }).success;
        },
      ),
    );
  });
});

describe('a request that can not be met', () => {
  const refusals: [what: string, change: Parameters<typeof request>[0], sentence: RegExp][] = [
    ['no pictures', { count: 0 }, /^bad-request: Count must be at least 1\./],
    ['ten thousand pictures', { count: 10_000 }, /^bad-request: Count must be at most 1,000\./],
    [
      'too many of all classes together',
      { classes: ['Banana', 'Cherry'], count: 600 },
      /^bad-request: That is 1,200 pictures, and a job makes at most 1,000/,
    ],
    ['a class misspelt', { classes: ['Bananna'] }, /^bad-request: The model “fake” has no class “Bananna”. Did you mean “Banana”\?/],
    ['a part of a class', { classes: ['apple'] }, /Did you mean “Apple Red”\?/],
    ['an unknown class', { classes: ['Zeppelin'] }, /^bad-request: The model “fake” has no class “Zeppelin”. Choose one from its list\./],
    ['an unknown model', { model: 'nothing' }, /^not-found: There is no model “nothing”. Choose one of these: fake\./],
    ['a negative seed', { seed: -1 }, /^bad-request: Seed must be at least 0\./],
    ['no steps', { sampling: { ...SAMPLING, steps: 0 } }, /^bad-request: Sampling.steps must be at least 1\./],
    ['topP of nothing', { sampling: { ...SAMPLING, topP: 0 } }, /^bad-request: Sampling.topP must be more than 0\./],
  ];
  it.each(refusals)('%s: gets a sentence, and no job is left', async (_what, change, sentence) => {
    const { ask } = openStudio();
    await expect(ask('jobs.create', request(change))).rejects.toThrow(sentence);
    expect(await ask('jobs.list', null)).toEqual([]);
  });

  it('does not know jobs and items that are not there', async () => {
    const { ask } = openStudio();
    const id = '0123456789abcdef';
    await expect(ask('jobs.cancel', { id })).rejects.toThrow(/^not-found: /);
    await expect(ask('jobs.retry', { id })).rejects.toThrow(/^not-found: /);
    await expect(ask('items.get', { id })).rejects.toThrow(/^not-found: /);
    await expect(ask('items.export', { ids: [id], format: 'png' })).rejects.toThrow(/^not-found: /);
    await expect(ask('models.card', { id: '../fake' })).rejects.toThrow(/^not-found: /);
  });

  it('retries only what has failed or was stopped', async () => {
    const { ask, ended } = openStudio();
    const job = await ask('jobs.create', request({ count: 1 }));
    await ended(job.id);
    await expect(ask('jobs.retry', { id: job.id })).rejects.toThrow(/^bad-request: This job is done/);
  });
});

describe('settings', () => {
  it('are kept, told to everybody, and survive a restart', async () => {
    const first = openStudio();
    expect(await first.ask('settings.get', null)).toEqual({
      theme: 'system',
      embedRecipe: true,
      provider: 'auto',
      lastModel: null,
      welcomed: false,
    });
    await first.ask('settings.set', { theme: 'dark', embedRecipe: false });
    expect(await first.event('settings')).toMatchObject({ theme: 'dark', embedRecipe: false });
    await first.studio.close();
    const second = openStudio({ data: first.data });
    // The words of welcome are for the first start alone, read or not.
    expect(await second.ask('settings.get', null)).toMatchObject({ theme: 'dark', embedRecipe: false, provider: 'auto', welcomed: true });
    await expect(second.ask('settings.set', { theme: 'pink' as never })).rejects.toThrow(
      'bad-request: Theme must be one of system, light, dark.',
    );
  });
});
