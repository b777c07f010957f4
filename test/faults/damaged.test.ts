import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { expect, it, onTestFinished, vi } from 'vitest';
import { assets } from '../../src/contract/index.js';
import { openStudio, request, setEnvironment, temporaryFolder } from '../unit/studio/support.js';
import { ROUNDS, TIMEOUT_MS, random, seedNote } from './rounds.js';

const everything = { limit: 500, before: null, kind: null, search: '' } as const;
const PAGE = 4096;

async function makeItems(data: string, count: number, seed: number): Promise<string[]> {
  const { ask, ended, studio } = openStudio({ data });
  const job = await ask('jobs.create', request({ count, seed, batch: 8 }));
  await ended(job.id);
  const ids = (await ask('items.list', everything)).items.map((item) => item.id);
  await studio.close();
  return ids;
}

it(
  'a database with a page of garbage, wherever it lies, opens with every item',
  async () => {
    const data = temporaryFolder();
    let ids = await makeItems(data, 20, 1);
    for (let round = 0; round < ROUNDS; round++) {
      const file = join(data, 'studio.db');
      const pages = Math.floor(statSync(file).size / PAGE);
      const bytes = readFileSync(file);
      const page = random(0, pages - 1);
      randomBytes(PAGE).copy(bytes, page * PAGE);
      writeFileSync(file, bytes);

      const test = openStudio({ data });
      const found = (await test.ask('items.list', everything)).items.map((item) => item.id);
      expect(found.sort(), `${seedNote}, page ${page}`).toEqual(ids.sort());
      expect((await test.ask('items.list', { ...everything, search: 'banana' })).total, `${seedNote}, page ${page}`).toBe(ids.length);
      await test.studio.close();
      ids = await makeItems(data, 2, 1000 * (round + 1));
    }
  },
  TIMEOUT_MS,
);

it(
  'an item whose files are cut off takes no other one with it, and is answered with a sentence',
  async () => {
    const data = temporaryFolder();
    const ids = await makeItems(data, ROUNDS + 1, 1);
    const whole = ids.pop() ?? '';
    for (const id of ids) {
      for (const name of readdirSync(join(data, 'items', id))) {
        const file = join(data, 'items', id, name);
        truncateSync(file, random(0, statSync(file).size - 1));
      }
    }
    const { ask, studio } = openStudio({ data });
    expect((await ask('items.list', everything)).total).toBe(ids.length + 1);
    for (const id of ids) {
      for (const format of ['jpeg', 'webp', 'sheet'] as const) {
        const reply = await studio.call('items.export', { ids: [id], format });
        if (!reply.ok) expect(reply.error.message, seedNote).toMatch(/^[A-Z“].*\.$/s);
      }
      const tokens = await studio.asset(assets.tokens(id));
      await expect(studio.decodeTokens(readFileSync(tokens?.file ?? '')), seedNote).rejects.toThrow(/\.$/);
    }
    expect(await ask('items.export', { ids: [whole], format: 'jpeg' })).toMatchObject({ name: 'Banana-1.jpg' });
  },
  TIMEOUT_MS,
);

it('a folder that turns read-only fails the job with a sentence; writable again, the job goes on', async (context) => {
  const data = temporaryFolder();
  try {
    execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', 'size=16m', 'none', data], { stdio: 'ignore' });
  } catch {
    context.skip('mounting a small file system needs root on Linux');
  }
  onTestFinished(() => void execFileSync('/bin/umount', ['-l', data]));
  setEnvironment('FAKE_STEP_MS', '5');
  const { ask, event, ended } = openStudio({ data });
  // A bind mount of its own can be turned read-only while files are open.
  execFileSync('/bin/mount', ['--bind', join(data, 'items'), join(data, 'items')]);
  onTestFinished(() => void execFileSync('/bin/umount', ['-l', join(data, 'items')]));
  const job = await ask('jobs.create', request({ count: 60 }));
  await event('itemAdded');
  execFileSync('/bin/mount', ['-o', 'remount,ro,bind', join(data, 'items')]);
  const failed = await ended(job.id);
  expect(failed).toMatchObject({ state: 'failed', error: expect.stringMatching(/can't be written to \(EROFS\)\. Check/) as string });
  expect((await ask('items.list', everything)).total).toBe(failed.done);
  execFileSync('/bin/mount', ['-o', 'remount,rw,bind', join(data, 'items')]);
  await ask('jobs.retry', { id: job.id });
  expect(await event('job', (j) => j.state === 'done')).toMatchObject({ done: 60 });
  expect((await ask('items.list', everything)).total).toBe(60);
}, 60_000);

it('a clock that is set back confuses neither the order of the items nor the queue', async () => {
  const { ask, ended } = openStudio();
  const first = await ask('jobs.create', request({ count: 2, seed: 1 }));
  await ended(first.id);
  const now = Date.now();
  vi.spyOn(Date, 'now').mockImplementation(() => now - 365 * 24 * 3600 * 1000);
  onTestFinished(() => void vi.restoreAllMocks());
  const second = await ask('jobs.create', request({ count: 2, seed: 11 }));
  expect(await ended(second.id)).toMatchObject({ state: 'done', done: 2 });
  expect((await ask('items.list', everything)).items.map((item) => item.recipe.seed)).toEqual([12, 11, 2, 1]);
  expect((await ask('jobs.list', null)).map((job) => job.id)).toEqual([second.id, first.id]);
});
