import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { restWhileAsleep } from '../../../src/main/power.js';
import { openStudio, request, setEnvironment } from '../studio/support.js';

test('a job that runs when the machine sleeps goes on when it wakes, and makes every picture once', async () => {
  setEnvironment('FAKE_STEP_MS', '10');
  const power = new EventEmitter();
  const { studio, ask, event, ended } = openStudio();
  restWhileAsleep(power, studio);
  const job = await ask('jobs.create', request({ count: 12 }));
  await event('itemAdded');

  power.emit('suspend');
  await event('job', ({ id, state }) => id === job.id && state === 'queued');
  power.emit('resume');
  expect(await ended(job.id)).toMatchObject({ state: 'done', done: 12 });
  const { items } = await ask('items.list', { limit: 100, before: null, kind: null, search: '' });
  expect(new Set(items.map(({ recipe }) => recipe.seed)).size).toBe(12);
  expect(items).toHaveLength(12);
});

test('a machine that never wakes leaves a job that goes on at the next start', async () => {
  setEnvironment('FAKE_STEP_MS', '10');
  const power = new EventEmitter();
  const { studio, data, ask, event } = openStudio();
  restWhileAsleep(power, studio);
  const job = await ask('jobs.create', request({ count: 8 }));
  await event('itemAdded');
  power.emit('suspend');
  await event('job', ({ id, state }) => id === job.id && state === 'queued');
  // Nothing starts meanwhile.
  await ask('jobs.create', request({ count: 1 }));
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect((await ask('jobs.list', null)).map(({ state }) => state)).toEqual(['queued', 'queued']);
  await studio.close();

  const again = openStudio({ data });
  expect(await again.ended(job.id)).toMatchObject({ state: 'done', done: 8 });
});

test('a job that was stopped as the machine fell asleep stays stopped', async () => {
  setEnvironment('FAKE_STEP_MS', '10');
  const power = new EventEmitter();
  const { studio, ask, event } = openStudio();
  restWhileAsleep(power, studio);
  const job = await ask('jobs.create', request({ count: 50 }));
  await event('itemAdded');
  const cancelled = ask('jobs.cancel', { id: job.id });
  power.emit('suspend');
  expect((await cancelled).state).toBe('cancelled');
  power.emit('resume');
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect((await ask('jobs.list', null))[0]?.state).toBe('cancelled');
});

test('waking at once, before the job has stopped, still ends in a job that is done', async () => {
  setEnvironment('FAKE_STEP_MS', '10');
  const power = new EventEmitter();
  const { studio, ask, event, ended } = openStudio();
  restWhileAsleep(power, studio);
  const job = await ask('jobs.create', request({ count: 6 }));
  await event('itemAdded');
  for (let i = 0; i < 3; i++) {
    power.emit('suspend');
    power.emit('resume');
  }
  expect(await ended(job.id)).toMatchObject({ state: 'done', done: 6 });
});

test('what the person paused stays paused, and a sleep without jobs changes nothing', async () => {
  setEnvironment('FAKE_STEP_MS', '10');
  const power = new EventEmitter();
  const { studio, ask, event } = openStudio();
  restWhileAsleep(power, studio);
  power.emit('suspend');
  power.emit('resume');
  const job = await ask('jobs.create', request({ count: 50 }));
  await event('itemAdded');
  await ask('jobs.pause', { id: job.id });
  power.emit('suspend');
  power.emit('resume');
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect((await ask('jobs.list', null))[0]?.state).toBe('paused');
});
