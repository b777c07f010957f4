import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createStudio, nodeEngine } from '../../../src/studio/index.js';
import * as files from '../../../src/studio/files.js';
import { FAKE_ENGINE, makePackage, openStudio, request, temporaryFolder } from './support.js';

vi.mock('../../../src/studio/files.js', { spy: true });

const everything = { limit: 500, before: null, kind: null, search: '' } as const;

function diskFull(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
}

describe('a full disk', () => {
  it('fails the job with a sentence, keeps what is finished, and the job goes on when there is space', async () => {
    const { ask, ended, event, data } = openStudio();
    let writes = 0;
    vi.mocked(files.writeFolder).mockImplementation(async (folder, content) => {
      if (++writes > 2) throw diskFull();
      const { writeFolder } = await vi.importActual<typeof files>('../../../src/studio/files.js');
      return writeFolder(folder, content);
    });
    const job = await ask('jobs.create', request({ count: 5 }));
    expect(await ended(job.id)).toMatchObject({
      state: 'failed',
      done: 2,
      error: expect.stringMatching(/^The disk is full\. Free some space, then retry/) as string,
    });
    expect(readdirSync(join(data, 'items'))).toHaveLength(2);

    vi.mocked(files.writeFolder).mockRestore();
    await ask('jobs.retry', { id: job.id });
    expect(await event('job', (j) => j.state === 'done')).toMatchObject({ done: 5 });
    expect((await ask('items.list', everything)).total).toBe(5);
  });

  it('of a real file system does so too', async (context) => {
    const data = temporaryFolder();
    try {
      execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', data], { stdio: 'ignore' });
    } catch {
      context.skip('mounting a small file system needs root on Linux');
    }
    onTestFinished(() => void execFileSync('/bin/umount', ['-l', data]));
    const { ask, ended, studio } = openStudio({ data });
    const filler = join(data, 'filler');
    writeFileSync(filler, Buffer.alloc(1_200_000));
    const job = await ask('jobs.create', request({ count: 200, batch: 64 }));
    const failed = await ended(job.id);
    expect(failed).toMatchObject({ state: 'failed', error: expect.stringContaining('The disk is full') as string });
    expect(failed.done).toBeGreaterThan(0);
    expect((await ask('items.list', everything)).total).toBe(failed.done);
    rmSync(filler);
    await studio.close();

    // Whether or not its end could still be written: at the next start every finished picture is there.
    const again = openStudio({ data });
    expect((await again.ask('items.list', everything)).total).toBe(failed.done);
  });
});

describe('a data folder', () => {
  const open = (dataFolder: string) =>
    createStudio({ host: 'cli', version: '0.1.0', modelFolders: [], dataFolder, spawnEngine: nodeEngine(FAKE_ENGINE) });

  it('belongs to one studio at a time, also of another process', async () => {
    const { data, studio } = openStudio();
    expect(() => open(data)).toThrow(/^Another ResGen Studio is using .*studio\.db\. Close it first/);
    const other = `
      const Database = require('libsql');
      try { new Database(process.argv[1]).exec('BEGIN EXCLUSIVE'); console.log('open'); } catch (error) { console.log(error.code); }`;
    expect(execFileSync(process.execPath, ['-e', other, join(data, 'studio.db')], { encoding: 'utf8' })).toBe('SQLITE_BUSY\n');
    await studio.close();
    await open(data).close();
  });

  it('of a newer studio is left alone', () => {
    const data = temporaryFolder();
    const db = new Database(join(data, 'studio.db'));
    db.exec('PRAGMA user_version = 99');
    db.close();
    expect(() => open(data)).toThrow(/was written by a newer ResGen Studio\. Update this one/);
  });

  it('with a damaged database gets a sentence, and the file is left as it is', () => {
    const data = temporaryFolder();
    const file = join(data, 'studio.db');
    writeFileSync(file, 'this is no database '.repeat(500));
    expect(() => open(data)).toThrow(/studio\.db is damaged and can't be read\. Your pictures are still in the folder “items”/);
    expect(readFileSync(file, 'utf8')).toContain('this is no database');
  });

  it('with a database damaged inside gets a sentence too', async () => {
    const { data, studio } = openStudio();
    await studio.close();
    const file = join(data, 'studio.db');
    const bytes = readFileSync(file);
    bytes.fill(0xff, 100);
    writeFileSync(file, bytes);
    rmSync(join(data, 'studio.db.good'));
    expect(() => open(data)).toThrow(/is damaged and can't be read/);
  });

  it('that can not be made gets a sentence', () => {
    const data = join(temporaryFolder(), 'file');
    writeFileSync(data, '');
    expect(() => open(join(data, 'inside'))).toThrow(/^The data folder .* can't be made/);
  });
});

describe('a model package', () => {
  const damages: [what: string, damage: (folder: string) => void, problem: RegExp][] = [
    ['missing a file', (f) => rmSync(join(f, 'step.onnx')), /step\.onnx is missing/],
    ['truncated', (f) => truncateSync(join(f, 'decode.onnx'), 2), /decode\.onnx has 2 bytes and should have 6/],
    ['without a manifest', (f) => rmSync(join(f, 'model.json')), /model\.json is missing/],
    ['with a manifest cut off', (f) => truncateSync(join(f, 'model.json'), 50), /model\.json is not JSON/],
    ['of a newer format', (f) => makePackage(f, { format: 2 as 1 }), /it has package format 2 and this studio reads up to 1/],
  ];
  it.each(damages)('%s: is listed with what is wrong, and jobs for it are refused', async (_what, damage, problem) => {
    const { ask, data } = openStudio();
    damage(join(data, 'models', 'fake'));
    const [model] = await ask('models.list', null);
    expect(model).toMatchObject({ id: 'fake', manifest: null, problem: expect.stringMatching(problem) as string });
    await expect(ask('jobs.create', request())).rejects.toThrow(problem);
    expect(await ask('models.verify', { id: 'fake' })).toEqual({ ok: false, problems: [expect.stringMatching(problem)] });
  });

  it('tampered with looks whole in the list and fails to verify', async () => {
    const { ask, data } = openStudio();
    writeFileSync(join(data, 'models', 'fake', 'step.onnx'), 'STEP');
    expect(await ask('models.list', null)).toMatchObject([{ id: 'fake', problem: null }]);
    const { ok, problems } = (await ask('models.verify', { id: 'fake' })) as { ok: boolean; problems: string[] };
    // The fake's other graphs are no ONNX, which is said of them, but not of one that is another file altogether.
    expect(ok).toBe(false);
    expect(problems.filter((sentence) => sentence.includes('step'))).toEqual([expect.stringMatching(/step\.onnx is not the file/)]);
  });

  it('that goes away while a job waits fails that job and no other', async () => {
    const { ask, ended, data } = openStudio();
    makePackage(join(data, 'models', 'other'), { id: 'other' });
    const [first, second, third] = [
      await ask('jobs.create', request({ count: 40 })),
      await ask('jobs.create', request({ model: 'other' })),
      await ask('jobs.create', request({ seed: 1 })),
    ];
    rmSync(join(data, 'models', 'other'), { recursive: true });
    expect(await ended(first.id)).toMatchObject({ state: 'done' });
    expect(await ended(second.id)).toMatchObject({
      state: 'failed',
      error: expect.stringContaining('There is no model “other”') as string,
    });
    expect(await ended(third.id)).toMatchObject({ state: 'done' });
  });

  it('with the id of another is listed as a problem', async () => {
    const { ask, data } = openStudio();
    makePackage(join(data, 'models', 'twin'));
    expect(await ask('models.list', null)).toMatchObject([
      { id: 'fake', problem: null },
      { id: 'fake', manifest: null, problem: expect.stringContaining('Another package has the same id “fake”') as string },
    ]);
    expect(await ask('models.verify', { id: 'fake' })).toMatchObject({ ok: false });
    expect(await ask('models.card', { id: 'fake' })).toEqual({ markdown: '# Fake\n' });
  });
});

describe('an engine process', () => {
  it('that can not be started fails the job with a sentence', async () => {
    const broken = join(temporaryFolder(), 'missing.js');
    const { ask, ended } = openStudio({ spawn: nodeEngine(broken) });
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    onTestFinished(() => said.mockRestore());
    const job = await ask('jobs.create', request());
    expect(await ended(job.id)).toMatchObject({
      state: 'failed',
      done: 0,
      error: expect.stringContaining('The engine process stopped twice') as string,
    });
    expect(await ask('engine.status', null)).toMatchObject({ state: 'stopped', problem: expect.stringContaining('code 1') as string });
    // What it said before it ended is shown, for whoever has to find out why.
    expect(said.mock.calls.map(([text]) => String(text)).join('')).toContain('Cannot find module');
  });

  it('that talks nonsense is ended, with a sentence', async () => {
    const folder = temporaryFolder();
    mkdirSync(folder, { recursive: true });
    const entry = join(folder, 'nonsense.mjs');
    writeFileSync(entry, "process.on('message', () => process.send({ type: 'gibberish' })); process.send({ type: 'ready' });");
    const { ask, ended } = openStudio({ spawn: nodeEngine(entry) });
    const job = await ask('jobs.create', request());
    expect(await ended(job.id)).toMatchObject({ state: 'failed' });
    expect((await ask('engine.status', null)).problem).toContain('does not understand');
  });
});

describe('a studio that ended between the files of a picture and its row in the database', () => {
  it('takes the picture in as the one of its job, which does not make it again and counts right', async () => {
    const data = temporaryFolder();
    const first = openStudio({ data });
    const job = await first.ask('jobs.create', request({ count: 4, batch: 2 }));
    await first.ended(job.id);
    await first.studio.close();
    // The state that a kill at that moment leaves: the last picture has files alone, and the job is running with fewer than it made.
    const db = new Database(join(data, 'studio.db'));
    db.exec(`DELETE FROM items WHERE job_index = 3; UPDATE jobs SET state = 'running', done = 2, ended_at = NULL`);
    db.close();

    const again = openStudio({ data });
    expect(await again.ended(job.id)).toMatchObject({ state: 'done', done: 4 });
    const { items } = await again.ask('items.list', everything);
    expect(items.map(({ recipe, jobId }) => [recipe.seed, jobId]).sort()).toEqual([42, 43, 44, 45].map((seed) => [seed, job.id]));
    expect(readdirSync(join(data, 'items'))).toHaveLength(4);
    // Nothing was left to make.
    expect(again.pids).toEqual([]);
  });

  it('takes in what is of no running job as one without a job', async () => {
    const data = temporaryFolder();
    const first = openStudio({ data });
    const job = await first.ask('jobs.create', request({ count: 2 }));
    await first.ended(job.id);
    await first.studio.close();
    const db = new Database(join(data, 'studio.db'));
    db.exec('DELETE FROM items WHERE job_index = 1');
    db.close();
    const again = openStudio({ data });
    const { items } = await again.ask('items.list', everything);
    expect(items.map(({ recipe, jobId }) => [recipe.seed, jobId]).sort()).toEqual([
      [42, job.id],
      [43, null],
    ]);
  });
});
