import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { pauseWhileAsleep } from '../../../src/main/power.js';
import { openStudio, request, setEnvironment } from '../studio/support.js';

test('a job that runs when the machine sleeps goes on when it wakes, and makes every picture once', async () => {
  setEnvironment('FAKE_STEP_MS', '10');
  const power = new EventEmitter();
  const { studio, ask, event, ended } = openStudio();
  pauseWhileAsleep(power, studio);
  const job = await ask('jobs.create', request({ count: 12 }));
  await event('itemAdded');

  power.emit('suspend');
  await event('job', ({ id, state }) => id === job.id && state === 'paused');
  power.emit('resume');
  expect(await ended(job.id)).toMatchObject({ state: 'done', done: 12 });
  const { items } = await ask('items.list', { limit: 100, before: null, kind: null, search: '' });
  expect(new Set(items.map(({ recipe }) => recipe.seed)).size).toBe(12);
  expect(items).toHaveLength(12);
});

test('waking at once, before the pause is through, still ends in a job that is done', async () => {
  setEnvironment('FAKE_STEP_MS', '10');
  const power = new EventEmitter();
  const { studio, ask, event, ended } = openStudio();
  pauseWhileAsleep(power, studio);
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
  pauseWhileAsleep(power, studio);
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
