import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { CrashReports } from '../../../src/studio/index.js';
import { redact } from '../../../src/studio/redact.js';
import { StudioLog } from '../../../src/studio/studio-log.js';
import { openStudio, request, setEnvironment, temporaryFolder } from './support.js';

const reportsOf = (dataFolder: string): CrashReports => new CrashReports({ dataFolder, host: 'cli', version: '9.9.9' });

test('a report says what happened and where, ends with the log, and is offered until it is dismissed', () => {
  const data = temporaryFolder();
  const reports = reportsOf(data);
  reports.describe(() => ({ provider: 'webgpu', log: ['one', 'two'] }));
  const file = reports.write({ title: 'The studio stopped.', error: new TypeError('x is not a function'), lastWords: 'bad_alloc\n' });
  const text = readFileSync(file ?? '', 'utf8');
  expect(text).toMatch(/^The studio stopped\.\n.*sent to nobody/s);
  for (const part of ['9.9.9', 'webgpu', os.release(), 'TypeError: x is not a function', 'bad_alloc', 'one\ntwo'])
    expect(text).toContain(part);

  // Also a studio that starts later sees it.
  const later = reportsOf(data);
  const [report] = later.list();
  expect(report).toMatchObject({ title: 'The studio stopped.', isNew: true });
  expect(Math.abs((report?.at ?? 0) - Date.now())).toBeLessThan(60_000);
  expect(later.read(report?.name ?? '')).toBe(text);
  later.dismiss();
  expect(later.list()).toEqual([{ ...report, isNew: false }]);
  expect(later.read(report?.name ?? '')).toBe(text);
});

test('the same error again is no second report, and only the newest twenty are kept', () => {
  const data = temporaryFolder();
  const reports = reportsOf(data);
  const error = new Error('again');
  expect(reports.write({ title: 'A.', error })).not.toBeNull();
  expect(reports.write({ title: 'A.', error })).toBeNull();
  for (let i = 0; i < 25; i++) reports.write({ title: `Number ${i}.` });
  expect(reports.list().map(({ title }) => title)).toEqual(Array.from({ length: 20 }, (_, i) => `Number ${24 - i}.`));
});

test('what can not be written is not fatal, and what is no report is not read', () => {
  const data = temporaryFolder();
  writeFileSync(join(data, 'reports'), 'a file where the folder should be');
  const reports = reportsOf(data);
  expect(reports.write({ title: 'A.' })).toBeNull();
  expect(reports.list()).toEqual([]);

  const other = temporaryFolder();
  mkdirSync(join(other, 'reports'));
  writeFileSync(join(other, 'reports', 'notes.txt'), 'mine');
  expect(reportsOf(other).list()).toEqual([]);
  expect(() => reportsOf(other).read('../studio')).toThrow('There is no such report.');
});

test('takes out folders, quoted texts and file names, and leaves what the program is made of', () => {
  const home = os.homedir();
  const text = [
    `ENOENT: no such file or directory, open '${home}/Pictures/my cat.png'`,
    'Unexpected token, "Dear diary, today" is not valid JSON',
    'The tag “holiday with Anna” is too long',
    "Cannot read properties of undefined (reading 'length')",
    `    at run (${home}/resgen/out/main/index.js:10:5)`,
    '    at other (/Users/anna/resgen/node_modules/sharp/lib/index.js:1:2)',
    '/media/anna/Letters/to-bank.png: bad',
    `/data/studio/items/0123abcd/picture.png`,
  ].join('\n');
  const clean = redact(text, '/data/studio');
  for (const secret of ['cat', 'diary', 'Anna', 'anna', 'Letters', 'bank', `${home}/`]) expect(clean).not.toContain(secret);
  for (const kept of ["reading 'length'", '~/resgen/out/main/index.js:10:5', 'node_modules/sharp/lib/index.js:1:2', 'DATA/items/0123abcd'])
    expect(clean).toContain(kept);
});

test('a killed engine process leaves a report with the log, and the job goes on', async () => {
  setEnvironment('FAKE_STEP_MS', '20');
  const { ask, event, ended, pids, data } = openStudio();
  const job = await ask('jobs.create', request({ count: 6 }));
  await event('itemAdded');
  process.kill(pids.at(-1) ?? 0, 'SIGKILL');
  const report = await event('reportAdded');
  expect(report).toMatchObject({ title: 'The engine process stopped (signal SIGKILL).', isNew: true });
  expect(await ended(job.id)).toMatchObject({ state: 'done', done: 6 });

  const { text } = await ask('reports.read', { name: report.name });
  expect(text).toMatch(/Provider +cpu/);
  expect(text).toMatch(new RegExp(`job ${job.id} running: \\d of 6 done`));
  // Nothing of what the person asked for.
  expect(text).not.toMatch(/banana|"?seed/i);
  expect(await ask('reports.list', null)).toEqual([report]);
  await ask('reports.dismiss', null);
  expect((await ask('reports.list', null))[0]?.isNew).toBe(false);
  expect(existsSync(join(data, 'reports', `${report.name}.txt`))).toBe(true);
});

test('closing, a job that is cancelled and errors that say what to do leave no report', async () => {
  setEnvironment('FAKE_STEP_MS', '20');
  const { ask, event, studio, data } = openStudio();
  const job = await ask('jobs.create', request({ count: 6 }));
  await event('itemAdded');
  await ask('jobs.cancel', { id: job.id });
  await studio.call('items.get', { id: '0123456789abcdef' });
  await studio.close();
  expect(existsSync(join(data, 'reports'))).toBe(false);
});

test('an error of the page and a call that nobody foresaw to fail are reported; a call of another screen opens no folder', async () => {
  const { ask, studio, data } = openStudio();
  await ask('reports.addPageError', { message: 'x is not a function', stack: 'x is not a function\n at y.js:1:2' });
  const items = join(data, 'items');
  const broken = vi.spyOn(Date, 'now').mockImplementation(() => {
    throw new RangeError('the clock is gone');
  });
  const reply = await studio.call('items.remove', { ids: ['0123456789abcdef'] });
  broken.mockRestore();
  expect(reply).toMatchObject({ ok: false, error: { code: 'internal' } });
  const titles = (await ask('reports.list', null)).map(({ title }) => title);
  expect(titles).toEqual(['A call of the studio failed in a way that nobody foresaw: items.remove.', 'A page of the studio met an error.']);
  expect(readdirSync(items)).toEqual([]);
  expect(await studio.call('reports.openFolder', null)).toMatchObject({ ok: false, error: { code: 'refused' } });
});

test('a studio that went without closing is reported at the next start, one that closed or went with the machine is not', async () => {
  const data = temporaryFolder();
  const first = openStudio({ data });
  // With an engine process, whose end comes after the studio's.
  const job = await first.ask('jobs.create', request());
  await first.ended(job.id);
  await first.studio.close();
  await vi.waitFor(() => expect(first.events.at(-1)).toMatchObject({ name: 'engine', payload: { state: 'stopped' } }));
  const second = openStudio({ data });
  expect(await second.ask('reports.list', null)).toEqual([]);
  await second.studio.close();

  const crashed = new StudioLog(data);
  crashed.opened('a studio that is killed now');
  expect(new StudioLog(data).endedBadly).toBe(true);
  const uptime = vi.spyOn(os, 'uptime').mockReturnValue(0);
  // The machine started after that.
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(new StudioLog(data).endedBadly).toBe(false);
  uptime.mockRestore();
  const third = openStudio({ data });
  const [report] = await third.ask('reports.list', null);
  expect(report?.title).toBe('The studio ended without closing.');
  expect((await third.ask('reports.read', { name: report?.name ?? '' })).text).toContain('a studio that is killed now');
});

test('the log stays small and keeps its last lines', () => {
  const data = temporaryFolder();
  const log = new StudioLog(data);
  for (let i = 0; i < 9000; i++) log.write(`line ${i} ${'x'.repeat(60)}`);
  const text = readFileSync(join(data, 'logs', 'studio.log'), 'utf8');
  expect(text.length).toBeLessThan(512 * 1024);
  expect(text).toContain('line 8999 ');
  expect(log.tail()).toHaveLength(200);
  expect(new StudioLog(data).tail().at(-1)).toContain('line 8999 ');
});
