import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Item, Job, Result } from '../../../src/contract/index.js';
import { closeDatabase, openDatabase } from '../../../src/studio/database.js';
import { SCHEMA_VERSION, schemaVersion } from '../../../src/studio/migrations.js';
import { TINY_VOICE } from './speech/studio.js';
import { openStudio, temporaryFolder } from './support.js';

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'databases');
const everything = { limit: 500, before: null, kind: null, search: '' } as const;
const schemas = Array.from({ length: SCHEMA_VERSION }, (_, n) => n + 1);

/** What the studio of then answered about its library; what it did not know yet is not there. */
interface Answers {
  items: Result<'items.list'>;
  trash?: Result<'items.list'>;
  jobs: Job[];
  settings: Result<'settings.get'>;
  summary?: Result<'library.summary'>;
  recentClasses: string[];
  voices?: Result<'voices.list'>;
  dictionary?: Result<'dictionary.list'>;
  take?: Result<'speech.take'>;
}

/** A data folder as the last studio of that schema left it, a minute ago: written by that studio, see scripts/database-fixtures.mjs. */
function leftBy(schema: number): { data: string; then: Answers } {
  const data = temporaryFolder();
  const fixture = join(FIXTURES, `schema-${schema}`);
  const db = new Database(join(data, 'studio.db'));
  db.exec(readFileSync(`${fixture}.sql`, 'utf8'));
  db.close();
  const then = JSON.parse(readFileSync(`${fixture}.json`, 'utf8')) as Answers;
  // Or its trash would be emptied some day.
  vi.useFakeTimers({ toFake: ['Date'], now: Math.max(...then.items.items.map((item) => item.createdAt)) + 60_000 });
  onTestFinished(() => void vi.useRealTimers());
  return { data, then };
}

const ids = (list: { items: Item[] }): string[] => list.items.map((item) => item.id);

describe.each(schemas)('a library of schema %i', (schema) => {
  it('opens with all its items, jobs, voices and words as they were, and is kept beside the new one', async () => {
    const { data, then } = leftBy(schema);
    cpSync(TINY_VOICE, join(data, 'models', 'tiny-voice'), { recursive: true });
    const { ask } = openStudio({ data });
    const items = await ask('items.list', everything);
    expect(items).toMatchObject(then.items);
    expect(items.items.length).toBeGreaterThan(2);
    expect(await ask('jobs.list', null)).toMatchObject(then.jobs);
    expect(await ask('settings.get', null)).toMatchObject(then.settings);
    expect(await ask('models.recentClasses', { id: 'fake' })).toEqual(then.recentClasses);
    expect(await ask('voices.list', null)).toMatchObject(then.voices ?? []);
    expect(await ask('dictionary.list', null)).toEqual(then.dictionary ?? []);
    if (then.summary) expect(await ask('library.summary', null)).toMatchObject(then.summary);
    if (then.take) {
      const { sentences } = await ask('speech.take', { job: then.take.job.id });
      const was = then.take.sentences.map(({ text, item }) => ({ text, item }));
      expect(sentences).toMatchObject(was);
    }

    const file = join(data, `studio.db.schema-${schema}`);
    expect(existsSync(file)).toBe(schema < SCHEMA_VERSION);
    if (schema === SCHEMA_VERSION) return;
    const kept = new Database(file);
    expect(schemaVersion(kept)).toBe(schema);
    expect(kept.prepare('SELECT count(*) AS n FROM items WHERE deleted_at IS NULL').get()).toMatchObject({ n: then.items.total });
    kept.close();
  });

  it('has its trash, which comes back, and finds, marks and orders what is in it', async () => {
    const { data, then } = leftBy(schema);
    const { ask } = openStudio({ data });
    const trash = await ask('items.list', { ...everything, filter: { place: 'trash' } });
    expect(trash.total).toBeGreaterThan(1);
    if (then.trash) expect(trash).toMatchObject(then.trash);
    await ask('items.restore', { ids: ids(trash) });
    const all = await ask('items.list', everything);
    expect(all.total).toBe(then.items.total + trash.total);

    const named = (name: string): string[] => ids({ items: all.items.filter(({ recipe }) => recipe.className === name) });
    expect(ids(await ask('items.list', { ...everything, search: 'ban' }))).toEqual(named('Banana'));
    expect(ids(await ask('items.list', { ...everything, search: 'peche' }))).toHaveLength(1);
    const voice = then.voices?.find(({ name }) => name === 'Ada');
    const spoken = all.items.filter(({ recipe }) => voice && recipe.voice === voice.id);
    expect(ids(await ask('items.list', { ...everything, search: 'ada' }))).toEqual(ids({ items: spoken }));

    const [first = '', second = ''] = named('Banana');
    await ask('items.favourite', { ids: [first], favourite: true });
    await ask('items.tag', { ids: [second], add: ['TABLE'], remove: [] });
    expect(ids(await ask('items.list', { ...everything, filter: { favourites: true } }))).toContain(first);
    expect(ids(await ask('items.list', { ...everything, filter: { tag: 'table' } }))).toContain(second);
    expect(ids(await ask('items.list', { ...everything, search: 'table' }))).toContain(second);
  });

  it('becomes what a new library is', () => {
    const { data } = leftBy(schema);
    const migrated = openDatabase(join(data, 'studio.db'), '0.3.0');
    const fresh = openDatabase(join(temporaryFolder(), 'studio.db'), '0.3.0');
    const shape = (db: Database.Database): unknown =>
      db.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name').all();
    expect(shape(migrated)).toEqual(shape(fresh));
    closeDatabase(migrated);
    closeDatabase(fresh);
  });
});

it('remembers which studio brought each version, and names it where a newer one has been there', () => {
  const file = join(leftBy(1).data, 'studio.db');
  const db = openDatabase(file, '0.3.0');
  expect(schemaVersion(db)).toBe(SCHEMA_VERSION);
  expect(db.prepare('SELECT version, studio FROM schema_versions').all()).toEqual(
    // 0.1.0 brought the first, before there was a history.
    schemas.slice(1).map((version) => ({ version, studio: '0.3.0' })),
  );
  db.exec(`INSERT INTO schema_versions VALUES (99, '9.1.0', 0); PRAGMA user_version = 99`);
  closeDatabase(db);
  expect(() => openDatabase(file, '0.3.0')).toThrow(/was written by a newer ResGen Studio \(9\.1\.0\)\. Update this one/);
  expect(existsSync(`${file}.schema-99`)).toBe(false);
  const untouched = new Database(file);
  expect(schemaVersion(untouched)).toBe(99);
  untouched.close();
});
