import { describe, expect, it } from 'vitest';
import { Notices } from '../../../src/renderer/shared/notices.svelte.js';
import { Queue, nameOfJob, stateOfJob } from '../../../src/renderer/shared/queue/queue.svelte.js';
import { FakeBridge, type Handlers, job, speechJob } from './fakes.js';

async function open(handlers: Handlers = {}): Promise<{ queue: Queue; bridge: FakeBridge; notices: Notices }> {
  const bridge = new FakeBridge({
    'jobs.list': () => [
      job('pictures', { state: 'running', place: 1 }),
      speechJob('text', { state: 'queued', endedAt: null, done: 0, place: 2 }),
      job('more', { state: 'paused', place: 3 }),
      speechJob('over', { state: 'done' }),
      speechJob('once', { state: 'failed', error: 'The disk was full.', endedAt: 1 }),
    ],
    'jobs.cancel': ({ id }) => speechJob(id, { state: 'cancelled', endedAt: Date.now() + 1 }),
    'jobs.pause': ({ id }) => speechJob(id, { state: 'paused', endedAt: null }),
    'jobs.resume': ({ id }) => speechJob(id, { state: 'queued', endedAt: null }),
    'jobs.retry': ({ id }) => speechJob(id, { state: 'queued', endedAt: null }),
    'jobs.cancelAll': () => [job('pictures', { state: 'cancelled', endedAt: 1 })],
    'jobs.move': () => null,
    'jobs.remove': () => null,
    ...handlers,
  });
  const notices = new Notices();
  const queue = new Queue(bridge, notices);
  await queue.load();
  return { queue, bridge, notices };
}

const ids = (jobs: readonly { id: string }[]): string[] => jobs.map(({ id }) => id);

describe('the queue', () => {
  it('is of pictures and speech, in the order in which they run', async () => {
    const { queue } = await open();
    expect(queue.running?.id).toBe('pictures');
    expect(ids(queue.waiting)).toEqual(['text', 'more']);
    // What failed in an earlier session is said beside its take.
    expect(queue.unfinished).toEqual([]);
  });

  it('pauses, resumes, stops, goes on with and moves a text like pictures', async () => {
    const { queue, bridge } = await open();
    await queue.pause('text');
    expect(queue.waiting.find(({ id }) => id === 'text')?.state).toBe('paused');
    await queue.resume('text');
    await queue.cancel('text');
    expect(ids(queue.unfinished)).toEqual(['text']);
    await queue.retry('text');
    expect(queue.unfinished).toEqual([]);
    queue.onJob(speechJob('text', { state: 'queued', endedAt: null, place: 9 }));
    await queue.moveUp('text');
    expect(bridge.called('jobs.move')).toEqual([{ id: 'text', before: 'more' }]);
    await queue.moveUp('more');
    expect(bridge.called('jobs.move')).toHaveLength(1);
  });

  it('stops everything at once', async () => {
    const { queue, bridge } = await open();
    await queue.cancelAll();
    expect(bridge.called('jobs.cancelAll')).toEqual([null]);
    expect(queue.running).toBeNull();
  });

  it('takes a stopped text off the list and leaves its take, until it stops again', async () => {
    const { queue, bridge } = await open();
    await queue.cancel('text');
    const [stopped] = queue.unfinished;
    if (stopped) await queue.dismiss(stopped);
    expect(queue.unfinished).toEqual([]);
    expect(bridge.called('jobs.remove')).toEqual([]);
    await queue.retry('text');
    await queue.cancel('text');
    expect(ids(queue.unfinished)).toEqual(['text']);
    await queue.dismiss(job('pictures', { state: 'failed' }));
    expect(bridge.called('jobs.remove')).toEqual([{ ids: ['pictures'] }]);
    expect(queue.running).toBeNull();
  });

  it('says why something can not be done', async () => {
    const { queue, notices } = await open({ 'jobs.pause': () => ({ code: 'bad-request', message: 'This job is done.' }) });
    await queue.pause('over');
    expect(notices.toasts[0]?.text).toBe('This job is done.');
  });

  it('names each job and says how far it is', () => {
    expect(nameOfJob(job('a'))).toBe('Banana');
    const long = speechJob('b', { request: { ...speechJob('b').request, text: `One\n\ntwo ${'and on '.repeat(20)}` } });
    expect(nameOfJob(long)).toMatch(/^One two and on .{40,}…$/);
    const states = (['queued', 'running', 'paused', 'cancelled', 'failed', 'done'] as const).map((state) =>
      stateOfJob(speechJob('c', { state, done: 1 })),
    );
    expect(states).toEqual([
      'Waiting · 1 of 2 sentences',
      'Saying · 1 of 2 sentences done',
      'Paused after 1 of 2 sentences',
      'Stopped after 1 of 2 sentences',
      'Failed after 1 of 2 sentences.',
      '2 sentences',
    ]);
  });
});
