import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { readTokenFile } from '../../../src/engine/tokens.js';
import { openStudio, request, setEnvironment, temporaryFolder } from './support.js';

describe('a job', () => {
  it('makes every picture of every class, with its recipe and tokens', async () => {
    const { ask, ended, event, data, events } = openStudio();
    const job = await ask('jobs.create', request({ classes: ['Banana', 'Cherry'], count: 3, batch: 4 }));
    expect(job).toMatchObject({ state: 'queued', done: 0, total: 6 });
    expect(await ended(job.id)).toMatchObject({ state: 'done', done: 6, error: null });

    const { items, total } = await ask('items.list', { limit: 10, before: null, kind: null, search: '' });
    expect(total).toBe(6);
    expect(items.map((i) => `${i.recipe.className}-${i.recipe.seed}`).reverse()).toEqual([
      'Banana-42',
      'Banana-43',
      'Banana-44',
      'Cherry-42',
      'Cherry-43',
      'Cherry-44',
    ]);
    for (const item of items) {
      const folder = join(data, 'items', item.id);
      const picture = await sharp(join(folder, 'picture.png')).metadata();
      expect(picture).toMatchObject({ width: 8, height: 8, format: 'png' });
      const comments = new Map(picture.comments?.map(({ keyword, text }) => [keyword, text]));
      expect(comments.get('parameters')).toMatch(
        new RegExp(
          `^${item.recipe.className}\\nSteps: 6, Sampler: ResGen circle confidence, CFG scale: 0-1\\.5, Seed: ${item.recipe.seed}, Size: 8x8, Model: fake 1\\.0\\.0`,
        ),
      );
      const { readFile } = await import('node:fs/promises');
      const tokens = readTokenFile(await readFile(join(folder, 'tokens.safetensors')));
      expect(tokens).toMatchObject({ L: 4, D: 3, recipe: item.recipe });
      expect(tokens.revealedAt).toHaveLength(12);
    }

    const progress = await event('progress', (p) => p.previews.length > 0 && p.step === 3);
    expect(progress).toMatchObject({ jobId: job.id, indices: [0, 1, 2, 3], steps: 6, tokens: 12, masked: 6 });
    expect(progress.k.map((k) => [...k])).toEqual(Array(4).fill([2, 2, 2, 2]));
    expect(progress.secondsLeft).toBeGreaterThan(0);
    const [preview] = progress.previews;
    expect(await sharp(preview).metadata()).toMatchObject({ format: 'webp', width: 8 });
    // Progress never comes after the picture it leads to.
    const lastProgress = events.findLastIndex((e) => e.name === 'progress' && e.payload.indices.includes(0));
    expect(lastProgress).toBeLessThan(events.findIndex((e) => e.name === 'itemAdded'));
  });

  it('remembers the classes used, newest first, and the model', async () => {
    const { ask, ended } = openStudio();
    await ask('jobs.create', request({ classes: ['Banana'] }));
    await new Promise((resolve) => setTimeout(resolve, 2));
    const last = await ask('jobs.create', request({ classes: ['Cherry'] }));
    await ended(last.id);
    expect(await ask('models.recentClasses', { id: 'fake' })).toEqual(['Cherry', 'Banana']);
    expect((await ask('settings.get', null)).lastModel).toBe('fake');
  });

  it('stops between two steps, keeps what is finished, and goes on when retried', async () => {
    setEnvironment('FAKE_STEP_MS', '20');
    const { ask, event, ended } = openStudio();
    const job = await ask('jobs.create', request({ count: 6, batch: 2 }));
    await event('itemAdded');
    await event('progress', (p) => p.indices.includes(2));
    const stopped = await ask('jobs.cancel', { id: job.id });
    expect(stopped).toMatchObject({ state: 'cancelled', done: 2, error: null });

    expect(await ask('jobs.retry', { id: job.id })).toMatchObject({ state: 'queued', done: 2 });
    await event('job', (j) => j.state === 'done');
    expect(await ended(job.id)).toBeTruthy();
    const { items } = await ask('items.list', { limit: 10, before: null, kind: null, search: '' });
    expect(items.map((i) => i.recipe.seed).sort()).toEqual([42, 43, 44, 45, 46, 47]);
  });

  it('cancels a job that waits without touching the one that runs', async () => {
    setEnvironment('FAKE_STEP_MS', '20');
    const { ask, ended } = openStudio();
    const first = await ask('jobs.create', request({ count: 1 }));
    const second = await ask('jobs.create', request({ count: 1, seed: 7 }));
    expect(await ask('jobs.cancel', { id: second.id })).toMatchObject({ state: 'cancelled', done: 0 });
    expect(await ended(first.id)).toMatchObject({ state: 'done' });
    expect(await ask('jobs.list', null)).toMatchObject([
      { id: second.id, state: 'cancelled' },
      { id: first.id, state: 'done' },
    ]);
  });
});

describe('when the engine process dies', () => {
  it('starts it again and loses nothing', async () => {
    setEnvironment('FAKE_STEP_MS', '20');
    const { ask, event, ended, pids } = openStudio();
    const job = await ask('jobs.create', request({ count: 4, batch: 2 }));
    await event('progress', (p) => p.indices.includes(2) && p.step === 2);
    process.kill(pids[0] ?? 0, 'SIGKILL');
    expect(await ended(job.id)).toMatchObject({ state: 'done', done: 4 });
    expect(pids).toHaveLength(2);
    expect(await event('engine', (e) => e.problem !== null)).toMatchObject({
      state: 'stopped',
      problem: expect.stringContaining('signal SIGKILL') as string,
    });
    const { total } = await ask('items.list', { limit: 10, before: null, kind: null, search: '' });
    expect(total).toBe(4);
  });

  it('retries by itself after a crash of its own', async () => {
    setEnvironment('FAKE_CRASH_ONCE', join(temporaryFolder(), 'crashed'));
    const { ask, ended, pids } = openStudio();
    const job = await ask('jobs.create', request());
    expect(await ended(job.id)).toMatchObject({ state: 'done', done: 2 });
    expect(pids).toHaveLength(2);
  });

  it('fails a job that kills it twice with a sentence, keeps its pictures and goes on with the queue', async () => {
    const { ask, ended, pids } = openStudio();
    const bad = await ask('jobs.create', request({ count: 3, seed: 664, batch: 2 }));
    const good = await ask('jobs.create', request({ count: 1, seed: 1 }));
    expect(await ended(bad.id)).toMatchObject({
      state: 'failed',
      done: 2,
      error: expect.stringContaining('stopped twice on the same pictures') as string,
    });
    expect(await ended(good.id)).toMatchObject({ state: 'done', done: 1 });
    expect(pids).toHaveLength(3);
  });
});

describe('when the studio ends in the middle of a job', () => {
  it('goes on after the last finished picture at the next start', async () => {
    setEnvironment('FAKE_STEP_MS', '20');
    const first = openStudio();
    const job = await first.ask('jobs.create', request({ count: 5, batch: 2 }));
    await first.event('progress', (p) => p.indices.includes(2));
    await first.studio.close();

    const second = openStudio({ data: first.data });
    const before = await second.ask('jobs.list', null);
    expect(before).toMatchObject([{ id: job.id, done: 2, total: 5 }]);
    expect(await second.ended(job.id)).toMatchObject({ state: 'done', done: 5 });
    const { items } = await second.ask('items.list', { limit: 10, before: null, kind: null, search: '' });
    expect(items.map((i) => i.recipe.seed).sort()).toEqual([42, 43, 44, 45, 46]);
    expect(readdirSync(join(first.data, 'items'))).toHaveLength(5);
    expect(existsSync(join(first.data, 'studio.db'))).toBe(true);
  });
});
