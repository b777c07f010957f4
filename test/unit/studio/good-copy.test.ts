import { existsSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import Database from 'libsql';
import { expect, it, onTestFinished, vi } from 'vitest';
import { type Db, closeDatabase, openDatabase } from '../../../src/studio/database.js';
import { GoodCopy, openOrRecover } from '../../../src/studio/good-copy.js';
import { openStudio, request, temporaryFolder } from './support.js';

const MINUTE = 60_000;

interface Opened {
  db: Db;
  copy: GoodCopy;
  file: string;
  good: string;
  /** Lets that many minutes go by. */
  pass: (minutes: number) => void;
  rest: (idle: boolean) => void;
  write: (rows?: number) => void;
  /** Words in the copy; null where there is none. */
  copied: () => number | null;
}

function open(quickBytes?: number): Opened {
  const folder = temporaryFolder();
  const file = join(folder, 'studio.db');
  const db = openDatabase(file, '0.1.0');
  onTestFinished(() => {
    if (db.open) closeDatabase(db);
  });
  let [now, idle, words] = [0, true, 0];
  const copy = new GoodCopy(db, folder, { idle: () => idle, now: () => now, ...(quickBytes !== undefined && { quickBytes }) });
  const good = join(folder, 'studio.db.good');
  return {
    db,
    copy,
    file,
    good,
    pass: (minutes) => {
      now += minutes * MINUTE;
      copy.keepIfDue();
    },
    rest: (to) => (idle = to),
    write: (rows = 1) => {
      db.transaction(() => {
        for (let n = 0; n < rows; n++) db.prepare('INSERT INTO dictionary (word, said) VALUES (?, ?)').run(`word ${words++}`, 'x');
      })();
    },
    copied: () => {
      if (!existsSync(good)) return null;
      const read = openDatabase(good, '0.1.0');
      const { n } = read.prepare('SELECT count(*) AS n FROM dictionary').get() as { n: number };
      closeDatabase(read);
      return n;
    },
  };
}

it('a copy is made while the studio runs: of many changes soon, of few after a while, of none not at all', () => {
  const { pass, write, copied } = open();
  pass(60);
  expect(copied()).toBeNull();
  write();
  pass(9 - 60);
  expect(copied()).toBeNull();
  pass(61);
  expect(copied()).toBe(1);
  write(600);
  pass(1);
  expect(copied()).toBe(601);
});

it('it waits for a rest between jobs, but not for ever; that of a large database for an hour', () => {
  const busy = open();
  busy.rest(false);
  busy.write(600);
  busy.pass(20);
  expect(busy.copied()).toBeNull();
  busy.pass(10);
  expect(busy.copied()).toBe(600);

  const large = open(1);
  large.write(600);
  large.pass(59);
  expect(large.copied()).toBeNull();
  large.pass(1);
  expect(large.copied()).toBe(600);
});

it('a damaged page after a crash loses what came after the last copy and nothing else', () => {
  const { db, file, pass, write } = open();
  write(600);
  pass(1);
  write(3);
  // As kill -9 and a bad block leave it: not closed, and a page in the middle overwritten.
  db.pragma('wal_checkpoint(TRUNCATE)');
  closeDatabase(db);
  const bytes = readFileSync(file);
  bytes.fill(0xff, 4096);
  writeFileSync(file, bytes);
  const again = openOrRecover(join(file, '..'), '0.1.0');
  onTestFinished(() => closeDatabase(again.db));
  expect(again.db.prepare('SELECT count(*) AS n FROM dictionary').get()).toMatchObject({ n: 600 });
  expect(again.notices[0]).toMatch(/^The library's database was damaged, so its last good copy was opened instead\./);
});

it('a damaged database replaces no good copy', () => {
  const { db, file, good, pass, write, copied } = open();
  write(5000);
  pass(1);
  db.pragma('wal_checkpoint(TRUNCATE)');
  closeDatabase(db);
  const bytes = readFileSync(file);
  bytes.fill(0xff, 3 * 4096);
  writeFileSync(file, bytes);
  const before = readFileSync(good);
  const damaged = new GoodCopy(new Database(file), join(file, '..'), { idle: () => true });
  damaged.close();
  expect(readFileSync(good).equals(before)).toBe(true);
  expect(copied()).toBe(5000);
});

it('a clock that was set back makes no older copy win', () => {
  // A large database is copied at the first close of a day: one of “tomorrow” must not count as today's.
  const { copy, good, write, copied } = open(1);
  write();
  copy.close();
  const later = new Date(Date.now() + 40 * 24 * 3600 * 1000);
  utimesSync(good, later, later);
  write();
  copy.close();
  expect(copied()).toBe(2);
  // Neither are the times between copies of the clock on the wall.
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2001-01-01') });
  onTestFinished(() => void vi.useRealTimers());
  const { pass, write: add, copied: found } = open();
  add(600);
  pass(1);
  expect(found()).toBe(600);
});

it('the studio makes them by itself', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const { ask, ended, data } = openStudio();
  await ended((await ask('jobs.create', request({ count: 2 }))).id);
  const good = join(data, 'studio.db.good');
  expect(existsSync(good)).toBe(false);
  // A job says that it is done a moment before the queue rests.
  await setImmediate();
  vi.advanceTimersByTime(11 * MINUTE);
  await expect.poll(() => existsSync(good) && statSync(good).size > 0, { interval: 20 }).toBe(true);
});
