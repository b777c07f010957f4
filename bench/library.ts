import { rmSync } from 'node:fs';
import { type Db, closeDatabase, openDatabase } from '../src/studio/database.js';
import { newId } from '../src/studio/ids.js';
import { ItemsStore } from '../src/studio/items-store.js';
import { VoicesStore } from '../src/studio/voices/store.js';

const FRUITS = ['Apple Braeburn', 'Apple Red', 'Banana', 'Cherry', 'Grape White', 'Kiwi', 'Lemon', 'Mango', 'Peach', 'Pear Williams'];
const PAGE = 120;
const VOICE = '0voice000000000000000';
const STARTED_AT = 1_700_000_000_000;

interface LibraryLoad {
  items: number;
  rounds: number;
}

function seedOf(i: number): string {
  return String((i * 2_654_435_761) % 2 ** 32);
}

/** Fills a database with items as the studio would write them: ten classes, three tags, two models, a voice in every seventh, a tenth in the trash. */
export function fill(db: Db, items: number): string[] {
  const store = new ItemsStore(db, () => 'balanced');
  new VoicesStore(db).add({
    id: VOICE,
    name: 'Ada',
    createdAt: 0,
    seconds: 5,
    source: 'ada.wav',
    consent: { sentence: 'I agree to it.', at: 0 },
  });
  const ids: string[] = [];
  db.transaction(() => {
    for (let i = 0; i < items; i++) {
      const id = newId(STARTED_AT + i * 1000);
      ids.push(id);
      store.add(
        {
          id,
          kind: 'image',
          createdAt: STARTED_AT + i * 1000,
          jobId: null,
          recipe: {
            format: 1,
            studio: '0.1.0',
            model: { id: i % 5 === 0 ? 'other' : 'fruits', version: '1.0.0' },
            kind: 'image',
            verb: 'generate',
            className: FRUITS[i % FRUITS.length] ?? '',
            seed: Number(seedOf(i)),
            ...(i % 7 === 0 && { voice: VOICE }),
          },
          width: 128,
          height: 128,
          durationMs: 100,
          deletedAt: i % 10 === 3 ? 1_800_000_000_000 : null,
          favourite: i % 50 === 0,
          tags: i % 20 === 0 ? ['for print'] : i % 33 === 0 ? ['ripe', 'nice'] : [],
        },
        null,
      );
    }
  })();
  return ids;
}

/** What the library's page asks for, of a library that `fill` has filled with items of these ids. */
export function pageActions(store: ItemsStore, ids: readonly string[]): Record<string, () => void> {
  const filter = { place: 'library', favourites: false, model: null, tag: null, voice: null, from: null, until: null } as const;
  const all = { limit: PAGE, before: null, kind: null, search: '', filter } as const;
  const deep = ids[Math.floor(ids.length / 10)] ?? '';
  const [from, until] = [STARTED_AT, STARTED_AT + ids.length * 100];
  return {
    firstPage: () => store.list(all),
    deepPage: () => store.list({ ...all, before: deep }),
    searchCommon: () => store.list({ ...all, search: 'banana' }),
    searchRare: () => store.list({ ...all, search: seedOf(ids.length - 1) }),
    searchTwoWords: () => store.list({ ...all, search: 'app print' }),
    byModel: () => store.list({ ...all, filter: { ...filter, model: 'other' } }),
    byVoice: () => store.list({ ...all, filter: { ...filter, voice: VOICE } }),
    searchVoice: () => store.list({ ...all, search: 'ada bal' }),
    byTag: () => store.list({ ...all, filter: { ...filter, tag: 'ripe' } }),
    byDate: () => store.list({ ...all, filter: { ...filter, from, until } }),
    favourites: () => store.list({ ...all, filter: { ...filter, favourites: true } }),
    trash: () => store.list({ ...all, filter: { ...filter, place: 'trash' } }),
    openItem: () => store.get(deep),
    summary: () => store.summary(),
  };
}

/** As 0.1.0 searched: every row read, every word looked for in it. */
function likeSearch(db: Db, word: string): void {
  const where = 'deleted_at IS NULL AND instr(search, ?) > 0';
  db.prepare(`SELECT count(*) AS total FROM items WHERE ${where}`).get(word);
  db.prepare(`SELECT * FROM items WHERE ${where} ORDER BY seq DESC LIMIT ?`).all(word, PAGE);
}

/** A page by its number, which reads and throws away every row before it. */
function offsetPage(db: Db, offset: number): void {
  db.prepare('SELECT * FROM items WHERE deleted_at IS NULL ORDER BY seq DESC LIMIT ? OFFSET ?').all(PAGE, offset);
}

/**
 * Median milliseconds of what the library page does on a library of that size, and of the plainer way to do the same, in turn in one run.
 * @param file database to make; it is removed at the end
 */
export function libraryOf(file: string, { items, rounds }: LibraryLoad): Record<string, unknown> {
  rmSync(file, { force: true });
  let db = openDatabase(file, '0.1.0');
  try {
    const filled = performance.now();
    const ids = fill(db, items);
    const fillMs = performance.now() - filled;
    closeDatabase(db);
    const opening = performance.now();
    db = openDatabase(file, '0.1.0');
    const openMs = performance.now() - opening;

    const store = new ItemsStore(db);
    const measured = interleaved(rounds, {
      ...pageActions(store, ids),
      deepPageByOffset: () => offsetPage(db, Math.floor(items * 0.8)),
      searchCommonByLike: () => likeSearch(db, 'banana'),
      searchRareByLike: () => likeSearch(db, seedOf(items - 1)),
    });
    return { items, fillMs, openDatabaseMs: openMs, medianMs: measured };
  } finally {
    closeDatabase(db);
    rmSync(file, { force: true });
  }
}

/** Every task once a round, so that the machine's mood is in all of them. */
function interleaved(rounds: number, tasks: Readonly<Record<string, () => void>>): Record<string, number> {
  const times = new Map<string, number[]>(Object.keys(tasks).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, task] of Object.entries(tasks)) {
      const started = performance.now();
      task();
      times.get(name)?.push(performance.now() - started);
    }
  }
  return Object.fromEntries([...times].map(([name, list]) => [name, list.sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0]));
}
