import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { expect, it } from 'vitest';
import { closeDatabase, openDatabase } from '../../../src/studio/database.js';
import { SCHEMA_VERSION, schemaVersion } from '../../../src/studio/migrations.js';
import { openStudio, temporaryFolder } from './support.js';

const everything = { limit: 500, before: null, kind: null, search: '' } as const;

function dataOf(release: string): string {
  const folder = temporaryFolder();
  const db = new Database(join(folder, 'studio.db'));
  db.exec(readFileSync(join(import.meta.dirname, '..', '..', 'fixtures', 'databases', `${release}.sql`), 'utf8'));
  db.close();
  return folder;
}

it('the library of 0.1.0 opens with everything in it, and can be searched, marked and ordered', async () => {
  const data = dataOf('0.1.0');
  const { ask } = openStudio({ data });
  const { items } = await ask('items.list', everything);
  expect(items).toMatchObject([
    {
      id: '0mi9x0000bbbbbbbbbbbb',
      createdAt: 1763990000002,
      durationMs: 12.5,
      favourite: false,
      tags: [],
      recipe: { className: 'Apple Red' },
    },
  ]);
  expect((await ask('items.list', { ...everything, search: 'app 43' })).total).toBe(1);
  expect((await ask('items.list', { ...everything, search: 'peche', filter: { place: 'trash' } })).items).toMatchObject([
    { id: '0mi9x0000cccccccccccc' },
  ]);
  expect(await ask('jobs.list', null)).toMatchObject([{ id: '0mi9x0000aaaaaaaaaaaa', kind: 'image', state: 'done', place: 1 }]);
  expect(await ask('settings.get', null)).toMatchObject({ embedRecipe: false });
  expect(await ask('models.recentClasses', { id: 'fake' })).toEqual(['Apple Red']);
  expect((await ask('library.summary', null)).models).toEqual([{ name: 'fake', count: 1 }]);
});

it('keeps the database of before beside the new one', async () => {
  const data = dataOf('0.1.0');
  await openStudio({ data }).studio.close();
  const kept = new Database(join(data, 'studio.db.schema-1'));
  expect(schemaVersion(kept)).toBe(1);
  expect(kept.prepare('SELECT count(*) AS n FROM items').get()).toMatchObject({ n: 2 });
  kept.close();
});

it('remembers which studio brought each version, and names it where a newer one has been there', () => {
  const file = join(dataOf('0.1.0'), 'studio.db');
  const db = openDatabase(file, '0.3.0');
  expect(schemaVersion(db)).toBe(SCHEMA_VERSION);
  expect(db.prepare('SELECT version, studio FROM schema_versions').all()).toEqual(
    // 0.1.0 brought the first, before there was a history.
    Array.from({ length: SCHEMA_VERSION - 1 }, (_, n) => ({ version: n + 2, studio: '0.3.0' })),
  );
  db.exec(`INSERT INTO schema_versions VALUES (99, '9.1.0', 0); PRAGMA user_version = 99`);
  closeDatabase(db);
  expect(() => openDatabase(file, '0.3.0')).toThrow(/was written by a newer ResGen Studio \(9\.1\.0\)\. Update this one/);
  expect(existsSync(`${file}.schema-99`)).toBe(false);
});
