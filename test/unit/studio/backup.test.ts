import { existsSync, readFileSync, readdirSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { pack } from 'tar-stream';
import { describe, expect, it, vi } from 'vitest';
import { moveDataFolder, stageRestore } from '../../../src/studio/index.js';
import { type TestStudio, openStudio, request, setEnvironment, temporaryFolder } from './support.js';

const everything = { limit: 500, before: null, kind: null, search: '' } as const;

const NO_BACKUP = /is not a whole backup of a ResGen library/;

async function withItems(data?: string): Promise<TestStudio> {
  const test = openStudio(data === undefined ? {} : { data });
  const job = await test.ask('jobs.create', request({ count: 3 }));
  await test.ended(job.id);
  return test;
}

describe('a backup', () => {
  it('brings the whole library back, tags and trash and all, and keeps what was there', async () => {
    const first = await withItems();
    const { items } = await first.ask('items.list', everything);
    const ids = items.map((i) => i.id);
    await first.ask('items.tag', { ids, add: ['kept'], remove: [] });
    await first.ask('items.remove', { ids: ids.slice(0, 1) });
    const file = join(temporaryFolder(), 'library.tar');
    expect(await first.studio.backUp(file)).toEqual({ files: 7 });

    const second = await withItems();
    const replaced = (await second.ask('items.list', everything)).items.map((i) => i.id);
    expect(await stageRestore(file, second.data, '0.1.0')).toEqual({ files: 7 });
    await second.studio.close();

    const again = openStudio({ data: second.data });
    expect((await again.ask('items.list', { ...everything, search: 'kept' })).items.map((i) => i.id)).toEqual(ids.slice(1));
    expect((await again.ask('library.summary', null)).trash).toBe(1);
    const id = ids[1] ?? '';
    expect(readFileSync(join(second.data, 'items', id, 'picture.png'))).toEqual(readFileSync(join(first.data, 'items', id, 'picture.png')));
    const [notice] = (await again.ask('app.info', null)).notices;
    const kept = /folder “(replaced-[\w-]+)”/.exec(notice ?? '')?.[1] ?? '';
    expect(readdirSync(join(second.data, kept, 'items')).sort()).toEqual(replaced.sort());
    await again.studio.close();
    expect((await openStudio({ data: second.data }).ask('app.info', null)).notices).toEqual([]);
  });

  it('that is cut off, or of something else, is refused with a sentence, and nothing changes', async () => {
    const { studio, data, ask } = await withItems();
    const folder = temporaryFolder();
    const cut = join(folder, 'cut.tar');
    await studio.backUp(cut);
    truncateSync(cut, 3000);
    const other = join(folder, 'other.tar');
    writeFileSync(other, 'no tar at all '.repeat(200));
    for (const file of [cut, other]) await expect(stageRestore(file, data, '0.1.0')).rejects.toThrow(NO_BACKUP);
    expect(readdirSync(data).filter((name) => name.startsWith('restored') || name.startsWith('.partial'))).toEqual([]);
    expect((await ask('items.list', everything)).total).toBe(3);
  });

  it.each([
    ['../studio.db', 'file'],
    ['/etc/passwd', 'file'],
    ['items/../../x/y', 'file'],
    ['items/0123456789abc/../picture.png', 'file'],
    ['items/0123456789abc/.hidden', 'file'],
    ['studio.db', 'symlink'],
    ['models/x/model.json', 'file'],
  ] as const)('with the entry %s (%s) is refused', async (name, type) => {
    const tar = pack();
    if (type === 'symlink') tar.entry({ name, type, linkname: '/etc/passwd' });
    else tar.entry({ name, type }, 'x');
    tar.finalize();
    const chunks: Buffer[] = [];
    for await (const chunk of tar) chunks.push(chunk as Buffer);
    const data = temporaryFolder();
    const file = join(temporaryFolder(), 'hostile.tar');
    writeFileSync(file, Buffer.concat(chunks));
    await expect(stageRestore(file, data, '0.1.0')).rejects.toThrow(NO_BACKUP);
    expect(readdirSync(data)).toEqual([]);
  });
});

describe('a damaged database', () => {
  function damage(data: string): void {
    const file = join(data, 'studio.db');
    const bytes = readFileSync(file);
    bytes.fill(0xff, 4096 * 2, 4096 * 3);
    writeFileSync(file, bytes);
  }

  it('gives way to its last good copy; items made since are taken in, and the person is told', async () => {
    const { studio, data } = await withItems();
    await studio.close();
    const copy = join(data, 'studio.db.good');
    const old = readFileSync(copy);
    const later = await withItems(data);
    const ids = (await later.ask('items.list', everything)).items.map((i) => i.id);
    await later.studio.close();
    writeFileSync(copy, old);
    utimesSync(copy, new Date('2026-11-20T10:00:00'), new Date('2026-11-20T10:00:00'));
    damage(data);

    const again = openStudio({ data });
    const found = (await again.ask('items.list', everything)).items.map((i) => i.id);
    expect(found.sort()).toEqual(ids.sort());
    const [notice] = (await again.ask('app.info', null)).notices;
    expect(notice).toMatch(/^The library's database was damaged, so its last good copy was opened instead\. It is of November 20, 2026/);
    expect(readdirSync(data).filter((name) => name.startsWith('studio.db.damaged-'))).toHaveLength(1);
  });

  it('is noticed also where every page is sound and only what a row says is not', async () => {
    const { studio, data } = await withItems();
    await studio.close();
    const file = join(data, 'studio.db');
    const bytes = readFileSync(file);
    bytes.fill('#', bytes.indexOf('{"format":1'), bytes.indexOf('{"format":1') + 8);
    writeFileSync(file, bytes);
    const again = openStudio({ data });
    expect((await again.ask('items.list', everything)).total).toBe(3);
    expect((await again.ask('app.info', null)).notices[0]).toMatch(/^The library's database was damaged/);
  });

  it('stays as it is where there is no good copy', async () => {
    const { studio, data } = await withItems();
    await studio.close();
    rmSync(join(data, 'studio.db.good'));
    damage(data);
    expect(() => openStudio({ data })).toThrow(/is damaged and can't be read\. Your pictures are still in the folder “items”/);
    expect(existsSync(join(data, 'studio.db'))).toBe(true);
  });
});

describe('the data folder', () => {
  it('moves with everything in it, and not to a place that is taken or inside itself', async () => {
    const { studio, data } = await withItems();
    await studio.close();
    const parent = temporaryFolder();
    const to = join(parent, 'new place');
    await expect(moveDataFolder(data, join(data, 'inside'), false)).rejects.toThrow(/lies inside the data folder itself/);
    writeFileSync(join(parent, 'file'), '');
    await expect(moveDataFolder(data, parent, false)).rejects.toThrow(/is not empty\. Choose a new or an empty folder/);
    await moveDataFolder(data, to, false);
    expect(existsSync(data)).toBe(false);
    expect((await openStudio({ data: to }).ask('items.list', everything)).total).toBe(3);
  });

  it('is found again where it went, and missed with a sentence when its disk is gone', async (context) => {
    // The only platform whose places can be set from outside: this test must not touch the person's own.
    if (process.platform !== 'linux') context.skip('the places of application data are fixed here');
    setEnvironment('XDG_DATA_HOME', temporaryFolder());
    setEnvironment('XDG_CONFIG_HOME', temporaryFolder());
    vi.resetModules();
    const fresh = await import('../../../src/studio/data-folder.js');
    const from = fresh.dataFolder();
    const { studio } = await withItems(from);
    await studio.close();
    const to = join(temporaryFolder(), 'elsewhere');
    await fresh.moveDataFolder(from, to, true);
    expect(fresh.dataFolder()).toBe(to);
    expect(new Database(join(to, 'studio.db')).prepare('SELECT count(*) AS n FROM items').get()).toMatchObject({ n: 3 });
    // A move that fails leaves it where it was, and known to be there.
    await expect(fresh.moveDataFolder(join(to, 'missing'), join(temporaryFolder(), 'x'), true)).rejects.toThrow(/ENOENT/);
    expect(fresh.dataFolder()).toBe(to);
    rmSync(to, { recursive: true });
    expect(() => fresh.dataFolder()).toThrow(/The data folder was moved to .*, which is not there\. Connect its disk/);
  });
});
