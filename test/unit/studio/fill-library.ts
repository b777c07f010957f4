import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import sharp from 'sharp';
import { it } from 'vitest';
import { type CallName, type ParamsInput, type Result, calls } from '../../../src/contract/index.js';
import { type TestStudio, openStudio, request } from './support.js';

/**
 * Run by scripts/database-fixtures.mjs inside the studio of some earlier commit, as a test among its own: fills a library with something of everything
 * that this studio knows, and writes down its database and its answers, to `$RESGEN_FILL.sql` and `.json`. So it asks for nothing without looking
 * whether that was there yet.
 */
const everything = { limit: 500, before: null, kind: null, search: '' } as const;
const has = (name: CallName): boolean => name in calls;

async function fillPictures({ ask, ended, event, studio }: TestStudio): Promise<void> {
  await ended((await ask('jobs.create', request({ classes: ['Banana', 'Apple Red'], count: 2, seed: 42 }))).id);
  await ended((await ask('jobs.create', request({ classes: ['Cherry'], count: 3, seed: 7 }))).id);
  const cancelled = await ask('jobs.create', request({ count: 200 }));
  await event('job', (job) => job.id === cancelled.id && job.state === 'running');
  await ask('jobs.cancel', { id: cancelled.id });
  await ended(cancelled.id);
  const picture = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'orange' } })
    .png()
    .toBuffer();
  await ask('items.import', { name: 'pêche.png', bytes: new Uint8Array(picture), model: 'fake' });
  await ask('settings.set', { embedRecipe: false });

  const { items } = await ask('items.list', everything);
  const ids = items.filter((item) => item.recipe.className !== 'Banana' || item.recipe.seed !== 42).map((item) => item.id);
  const [first = '', second = '', third = ''] = ids;
  if (has('items.favourite')) {
    await ask('items.favourite', { ids: [first, third], favourite: true });
    await ask('items.tag', { ids: [first, second], add: ['Table', 'für später'], remove: [] });
    await ask('items.tag', { ids: [third], add: ['table'], remove: [] });
  }
  await ask('items.remove', { ids: [third, ids[3] ?? ''] });
  if (has('jobs.pause')) {
    const waiting = [];
    for (const seed of [100, 200, 300]) waiting.push(await ask('jobs.create', request({ count: 50, seed })));
    for (const { id } of waiting) await ask('jobs.pause', { id });
    await ask('jobs.move', { id: waiting[2]?.id ?? '', before: waiting[0]?.id ?? '' });
  }
  if (has('dictionary.set')) {
    await ask('dictionary.set', { word: 'ResGen', said: 'rez jen' });
    await ask('dictionary.set', { word: "o'neill", said: 'OW0 N IY1 L' });
  }
  await studio.close();
}

async function fillVoices(data: string): Promise<void> {
  // Paths that a compiler would look up, and that not every one of these studios has.
  const [signals, speaking, engine] = ['./voices/signals.js', './speech/studio.js', '../engine/engine-process.js'] as const;
  const { speech, wavFile } = (await import(/* @vite-ignore */ signals)) as typeof import('./voices/signals.js');
  const test = openStudio({ data });
  const consent = 'I agree that my voice is used here.';
  const add = (name: string, hertz: number) =>
    test.ask('voices.add', { name, file: wavFile(speech({ seconds: 4, hertz })), region: null, consent });
  const bob = await add('Bob', 110);
  const eve = await add('Eve', 220);
  const ada = await add('Adda', 180);
  await test.ask('voices.rename', { id: ada.id, name: 'Ada' });
  await test.ask('voices.remove', { id: bob.id });
  await test.studio.close();
  // The contract knew these calls a while before the studio did.
  if (!existsSync(join(import.meta.dirname, 'speech', 'studio.ts'))) return;

  const { bundleEngineProcess } = (await import(/* @vite-ignore */ engine)) as typeof import('../engine/engine-process.js');
  const { speakingStudio } = (await import(/* @vite-ignore */ speaking)) as typeof import('./speech/studio.js');
  const { say, ask, ended, studio } = await speakingStudio(await bundleEngineProcess('fill'), data);
  const told = await say({ voice: ada.id, text: 'Hello there. How are you?' });
  await say({ voice: eve.id, text: 'Fine.', seed: 9 });
  await ended((await ask('speech.again', { job: told.id, index: 1, seed: 11 })).id);
  const [newest] = (await ask('items.list', { ...everything, kind: 'speech' })).items;
  await ask('items.favourite', { ids: [newest?.id ?? ''], favourite: true });
  await studio.close();
}

/** What clients see of the library, by the calls that every later studio has too. */
async function answers({ ask, studio }: TestStudio): Promise<Record<string, unknown>> {
  const given: Record<string, unknown> = {};
  const note = async <N extends CallName>(as: string, name: N, params: ParamsInput<N>): Promise<Result<N> | undefined> =>
    has(name) ? ((given[as] = await ask(name, params)) as Result<N>) : undefined;
  await note('items', 'items.list', everything);
  if (has('library.summary')) await note('trash', 'items.list', { ...everything, filter: { place: 'trash' } });
  const jobs = await note('jobs', 'jobs.list', null);
  await note('settings', 'settings.get', null);
  await note('summary', 'library.summary', null);
  await note('recentClasses', 'models.recentClasses', { id: 'fake' });
  await note('voices', 'voices.list', null);
  await note('dictionary', 'dictionary.list', null);
  const told = jobs?.find((job) => job.kind === 'speech' && job.total === 2);
  if (told) await note('take', 'speech.take', { job: told.id });
  await studio.close();
  return given;
}

/** The database as statements: what SQLite keeps for itself is left out, and what it computes is computed anew. */
function dump(db: Database.Database): string {
  interface Piece {
    type: string;
    name: string;
    tbl_name: string;
    sql: string;
  }
  const pieces = db.prepare(`SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid`).all() as Piece[];
  const virtual = pieces.filter(({ sql }) => sql.startsWith('CREATE VIRTUAL'));
  const tables = pieces.filter(({ type, name }) => type === 'table' && !virtual.some((table) => name.startsWith(table.name)));
  const lines = tables.map(({ sql }) => `${sql};`);
  for (const { name } of tables) {
    // Generated columns are hidden.
    const columns = (db.prepare(`SELECT name FROM pragma_table_info('${name}')`).all() as { name: string }[]).map((column) => column.name);
    const values = columns.map((column) => `quote("${column}")`).join(` || ', ' || `);
    const rows = db.prepare(`SELECT ${values} AS row FROM "${name}"`).all() as { row: string }[];
    for (const { row } of rows) lines.push(`INSERT INTO "${name}" (${columns.join(', ')}) VALUES (${row});`);
  }
  for (const { name, sql } of virtual) lines.push(`${sql};`, `INSERT INTO ${name} (${name}) VALUES ('rebuild');`);
  for (const { type, sql } of pieces) if (type === 'index' || type === 'trigger') lines.push(`${sql};`);
  return `${lines.join('\n')}\n`;
}

it('fills a library and writes it down', async () => {
  const out = process.env['RESGEN_FILL'] ?? '';
  const first = openStudio();
  await fillPictures(first);
  if (has('voices.add')) await fillVoices(first.data);
  const given = await answers(openStudio({ data: first.data }));
  const db = new Database(join(first.data, 'studio.db'));
  const { user_version: schema } = db.prepare('SELECT user_version FROM pragma_user_version').get() as { user_version: number };
  writeFileSync(`${out}.sql`, `${dump(db)}PRAGMA user_version = ${schema};\n`);
  const lines = Object.entries({ schema, ...given }).map(([name, answer]) => `"${name}": ${JSON.stringify(answer)}`);
  writeFileSync(`${out}.json`, `{\n${lines.join(',\n')}\n}\n`);
  db.close();
}, 120_000);
