import { expect, it } from 'vitest';
import { JobSignals } from '../../../src/main/job-signal-rules.js';
import { job } from '../renderer/fakes.js';

function signals({ watched = false } = {}) {
  const bar: [number | null, string][] = [];
  const notes: [string, string][] = [];
  const rules = new JobSignals({
    isWatched: () => watched,
    progress: (share, mode) => bar.push([share, mode]),
    notify: (title, body) => notes.push([title, body]),
  });
  return { rules, bar, notes };
}

const running = job('a', { state: 'running', startedAt: 1000, total: 4, done: 1 });
const progress = { jobId: 'a', indices: [1, 2], step: 5, steps: 10, masked: 0, tokens: 1, previews: [], k: [], secondsLeft: 1 };

it('the icon follows the job that runs, by its steps, and clears at its end', () => {
  const { rules, bar } = signals();
  rules.onEvent({ name: 'job', payload: running });
  rules.onEvent({ name: 'progress', payload: progress });
  rules.onEvent({ name: 'progress', payload: { ...progress, jobId: 'other' } });
  rules.onEvent({ name: 'job', payload: job('b') });
  rules.onEvent({ name: 'job', payload: { ...running, state: 'done', done: 4, endedAt: 2000 } });
  expect(bar).toEqual([
    [0.25, 'normal'],
    [0.5, 'normal'],
    [null, 'normal'],
  ]);
});

it('stays where a paused job stopped', () => {
  const { rules, bar, notes } = signals();
  rules.onEvent({ name: 'job', payload: running });
  rules.onEvent({ name: 'job', payload: { ...running, state: 'paused', done: 2 } });
  expect(bar.at(-1)).toEqual([0.5, 'paused']);
  expect(notes).toEqual([]);
});

it('a long job that ends unseen is told of, done or failed; a short, a watched or a cancelled one is not', () => {
  const end = (state: 'done' | 'failed' | 'cancelled', endedAt: number, watched = false) => {
    const { rules, notes } = signals({ watched });
    rules.onEvent({ name: 'job', payload: running });
    rules.onEvent({
      name: 'job',
      payload: { ...running, state, done: 4, endedAt, error: state === 'failed' ? 'The disk is full.' : null },
    });
    return notes;
  };
  expect(end('done', 61_000)).toEqual([['Pictures are ready', '4 of Banana']]);
  expect(end('failed', 61_000)).toEqual([['Making Banana stopped', 'The disk is full.']]);
  expect(end('cancelled', 61_000)).toEqual([]);
  expect(end('done', 5000)).toEqual([]);
  expect(end('done', 61_000, true)).toEqual([]);
});
