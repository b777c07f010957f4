import { describe, expect, it } from 'vitest';
import type { Job } from '../../../src/contract/index.js';
import { openStudio, request, setEnvironment } from './support.js';

/** A job that takes long enough to be interfered with. */
function slowStudio() {
  setEnvironment('FAKE_STEP_MS', '20');
  return openStudio();
}

const orderOf = (jobs: Job[]): string[] =>
  jobs
    .filter(({ state }) => state === 'queued' || state === 'paused')
    .sort((a, b) => a.place - b.place)
    .map(({ id }) => id);

describe('a paused job', () => {
  it('stops between two steps, lets the next one run, keeps what is finished and goes on when resumed', async () => {
    const { ask, event, ended } = slowStudio();
    const first = await ask('jobs.create', request({ count: 40, batch: 2 }));
    const second = await ask('jobs.create', request({ count: 1, seed: 7 }));
    await event('progress', (p) => p.indices.includes(2));
    const paused = await ask('jobs.pause', { id: first.id });
    expect(paused).toMatchObject({ state: 'paused', endedAt: null });
    expect(paused.done).toBeGreaterThanOrEqual(2);
    expect(paused.done).toBeLessThan(40);
    expect((await ask('items.list', { limit: 100, before: null, kind: null, search: '' })).total).toBe(paused.done);
    expect(await ended(second.id)).toMatchObject({ state: 'done' });
    expect(await ask('jobs.resume', { id: first.id })).toMatchObject({ state: 'queued', done: paused.done });
    expect(await ended(first.id)).toMatchObject({ state: 'done', done: 40 });
    const { items } = await ask('items.list', { limit: 100, before: null, kind: null, search: '' });
    expect(new Set(items.map((i) => i.recipe.seed))).toEqual(new Set([7, ...Array.from({ length: 40 }, (_, i) => 42 + i)]));
    expect(items).toHaveLength(41);
  });

  it('stays paused when the studio starts again, and can be cancelled', async () => {
    const { ask, studio, data } = slowStudio();
    const running = await ask('jobs.create', request({ count: 1 }));
    const waiting = await ask('jobs.create', request({ count: 1, seed: 7 }));
    await ask('jobs.pause', { id: waiting.id });
    await studio.close();
    const again = openStudio({ data });
    await again.ended(running.id);
    expect(await again.ask('jobs.list', null)).toMatchObject([{ id: waiting.id, state: 'paused', done: 0 }, { state: 'done' }]);
    expect(await again.ask('jobs.cancel', { id: waiting.id })).toMatchObject({ state: 'cancelled' });
  });

  it('that has ended, or was not paused, is refused with a sentence', async () => {
    const { ask, ended } = openStudio();
    const job = await ask('jobs.create', request({ count: 1 }));
    await ended(job.id);
    await expect(ask('jobs.pause', { id: job.id })).rejects.toThrow(/^bad-request: This job is done, so it can't be paused/);
    await expect(ask('jobs.resume', { id: job.id })).rejects.toThrow(/^bad-request: This job is done and not paused/);
  });
});

describe('the queue', () => {
  it('runs in the order that the person gives it, also after a new start', async () => {
    const { ask, studio, data, event } = slowStudio();
    await ask('jobs.create', request({ count: 8, batch: 1 }));
    const [a, b, c] = [
      await ask('jobs.create', request({ count: 1, seed: 1 })),
      await ask('jobs.create', request({ count: 1, seed: 2 })),
      await ask('jobs.create', request({ count: 1, seed: 3 })),
    ];
    await ask('jobs.move', { id: c.id, before: a.id });
    await ask('jobs.move', { id: a.id, before: null });
    expect(orderOf(await ask('jobs.list', null))).toEqual([c.id, b.id, a.id]);
    expect(await event('job', (j) => j.id === c.id && j.place < a.place + 1)).toBeTruthy();
    await studio.close();

    setEnvironment('FAKE_STEP_MS', '1');
    const again = openStudio({ data });
    await again.ended(a.id);
    const started = (await again.ask('jobs.list', null)).sort((x, y) => (x.startedAt ?? 0) - (y.startedAt ?? 0) || x.place - y.place);
    expect(started.slice(1).map((j) => j.id)).toEqual([c.id, b.id, a.id]);
  });

  it('moves only what waits', async () => {
    const { ask, event } = slowStudio();
    const running = await ask('jobs.create', request({ count: 4 }));
    const waiting = await ask('jobs.create', request({ count: 1 }));
    await event('job', (j) => j.id === running.id && j.state === 'running');
    await expect(ask('jobs.move', { id: running.id, before: null })).rejects.toThrow(/^bad-request: Only jobs that wait/);
    await expect(ask('jobs.move', { id: waiting.id, before: running.id })).rejects.toThrow(/^bad-request: Only jobs that wait/);
  });

  it('is cancelled as a whole without starting the next job meanwhile', async () => {
    const { ask, event, events } = slowStudio();
    const first = await ask('jobs.create', request({ count: 4 }));
    const others = [await ask('jobs.create', request({ seed: 1 })), await ask('jobs.create', request({ seed: 2 }))];
    await event('progress');
    const cancelled = await ask('jobs.cancelAll', null);
    expect(cancelled.map((j) => j.id).sort()).toEqual([first, ...others].map((j) => j.id).sort());
    expect(cancelled.every((j) => j.state === 'cancelled')).toBe(true);
    expect(events.some((e) => e.name === 'job' && e.payload.state === 'running' && e.payload.id !== first.id)).toBe(false);
  });

  it('forgets ended jobs, and only those, and keeps their items', async () => {
    setEnvironment('FAKE_STEP_MS', '10');
    const { ask, ended, event } = openStudio();
    const done = await ask('jobs.create', request({ count: 1 }));
    await ended(done.id);
    const running = await ask('jobs.create', request({ count: 8, batch: 1 }));
    await ask('jobs.remove', { ids: [done.id, running.id] });
    expect(await event('jobsRemoved')).toEqual([done.id]);
    expect(await ask('jobs.list', null)).toMatchObject([{ id: running.id }]);
    expect((await ask('items.list', { limit: 10, before: null, kind: null, search: '42' })).total).toBeGreaterThan(0);
  });
});
