import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { enginePid } from './harness/processes.js';
import { expect, test } from './harness/test.js';

test('a killed engine process costs no picture and no job', async ({ studio }) => {
  await studio.start({ class: 'Circle', count: 60, seed: 1 });
  await expect(studio.pictures.first()).toBeVisible();
  const before = await studio.call('items.list', { limit: 1, before: null, kind: null, search: '' });
  const pid = enginePid(studio.host.pid);
  expect(pid).toBeDefined();
  process.kill(Number(pid), 'SIGKILL');

  // The next engine process takes the job up, or the job says why not; either way what was finished stays.
  await expect.poll(async () => (await studio.call('jobs.list', null))[0]?.state, { timeout: 60_000 }).toMatch(/^(done|failed)$/);
  const [job] = await studio.call('jobs.list', null);
  if (job?.state === 'failed') expect(job.error).toMatch(/engine process stopped/i);
  else expect(job?.done).toBe(60);
  const after = await studio.call('items.list', { limit: 1, before: null, kind: null, search: '' });
  expect(after.total).toBeGreaterThanOrEqual(before.total);
  expect(after.total).toBe(job?.done);
});

test('a studio killed in the middle of a job goes on with it when it is started again', async ({ launch }) => {
  const first = await launch();
  await first.start({ class: 'Square', count: 80, seed: 20 });
  await expect(first.pictures.nth(3)).toBeVisible();
  const { total } = await first.call('items.list', { limit: 1, before: null, kind: null, search: '' });
  await first.host.kill();

  const second = await launch();
  await expect(second.pictures.first()).toBeVisible();
  const kept = await second.call('items.list', { limit: 1, before: null, kind: null, search: '' });
  expect(kept.total).toBeGreaterThanOrEqual(total);
  await expect.poll(async () => (await second.call('jobs.list', null))[0]?.state, { timeout: 60_000 }).toBe('done');
  const all = await second.call('items.list', { limit: 500, before: null, kind: null, search: '' });
  expect(all.total).toBe(80);
  // Each once: the one that was under way at the kill was made again, not twice.
  expect(new Set(all.items.map(({ recipe }) => recipe.seed)).size).toBe(80);
});

test('a tampered model is refused with a sentence, and the finished pictures stay', async ({ launch, data }) => {
  const first = await launch();
  await first.make({ class: 'Circle', count: 1, seed: 1 });
  await first.host[Symbol.asyncDispose]();
  await writeFile(path.join(data.models, 'tiny', 'step.onnx'), 'no graph');

  const second = await launch();
  await expect(second.pictures).toHaveCount(1);
  await expect(second.page.getByRole('alert').filter({ hasText: "can't be used" })).toContainText('step.onnx');
});

test('without any model the studio says where to put one', async ({ launch, data }, info) => {
  await data.removeModels();
  const studio = await launch();
  await expect(studio.page.getByRole('heading', { name: 'No picture model yet' })).toBeVisible();
  await studio.openSettings();
  // A browser may be another person's: what the server's folders are called is told where it was started.
  const where = info.project.name === 'browser' ? 'The terminal in which the studio was started names its folders.' : data.models;
  await expect(studio.page.getByText(where)).toBeVisible();
});
