import { copyFileSync, existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { StudioError } from '../contract/index.js';
import { type Db, closeDatabase, openDatabase } from './database.js';
import { PARTIAL } from './files.js';

export const DATABASE = 'studio.db';
const GOOD_COPY = 'studio.db.good';
/** Up to here a copy takes a moment, and is made each time the studio closes; a larger database is copied once a day. */
const QUICK_BYTES = 32 << 20;
const DAY_MS = 24 * 3600 * 1000;

export interface OpenedDatabase {
  db: Db;
  /** Sentences for people about what had to be done. */
  notices: string[];
}

/**
 * Opens the database of a data folder, or in place of a damaged one its last good copy. The damaged file is kept.
 * @throws StudioError `bad-file` where it is damaged and there is no good copy; `refused` as `openDatabase` does
 */
export function openOrRecover(folder: string, studio: string): OpenedDatabase {
  const file = join(folder, DATABASE);
  try {
    return { db: openDatabase(file, studio), notices: [] };
  } catch (error) {
    if (!(error instanceof StudioError) || error.code !== 'bad-file') throw error;
    const madeAt = putGoodCopyInPlace(folder, studio);
    if (madeAt === null) throw error;
    const when = `${madeAt.at.toLocaleDateString('en', { dateStyle: 'long' })}, ${madeAt.at.toLocaleTimeString('en', { timeStyle: 'short' })}`;
    const notice =
      `The library's database was damaged, so its last good copy was opened instead. It is of ${when}. Items made since then were taken in ` +
      `again from their own files; jobs, tags and favourites of since then are gone. The damaged file is kept as ${madeAt.kept}.`;
    return { db: openDatabase(file, studio), notices: [notice] };
  }
}

/** Copies the database beside itself where that is quick or due. It reads every page, so a damaged database replaces no good copy. */
export function keepGoodCopy(db: Db, folder: string): void {
  const copy = join(folder, GOOD_COPY);
  const quick = statSync(join(folder, DATABASE)).size <= QUICK_BYTES;
  if (!quick && existsSync(copy) && statSync(copy).mtimeMs > Date.now() - DAY_MS) return;
  const partial = join(folder, PARTIAL + GOOD_COPY);
  try {
    rmSync(partial, { force: true });
    copyDatabase(db, partial);
    renameSync(partial, copy);
  } catch {
    // A precaution must not stop the studio: it is tried again next time, and the last copy is still there.
    rmSync(partial, { force: true });
  }
}

/** Writes the database as it is at this moment, whole, into a file that is not there yet. */
export function copyDatabase(db: Db, file: string): void {
  db.prepare('VACUUM INTO ?').run(file);
}

/** Null where there is no copy, or none that is any better. */
function putGoodCopyInPlace(folder: string, studio: string): { at: Date; kept: string } | null {
  const copy = join(folder, GOOD_COPY);
  if (!existsSync(copy)) return null;
  const at = statSync(copy).mtime;
  const partial = join(folder, PARTIAL + DATABASE);
  try {
    copyFileSync(copy, partial);
    closeDatabase(openDatabase(partial, studio));
  } catch {
    rmSync(partial, { force: true });
    return null;
  }
  const kept = `${DATABASE}.damaged-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`;
  const file = join(folder, DATABASE);
  renameSync(file, join(folder, kept));
  // The log belongs to the damaged file: the copy must not be read with it.
  for (const end of ['-wal', '-shm']) if (existsSync(file + end)) renameSync(file + end, join(folder, kept + end));
  renameSync(partial, file);
  return { at, kept };
}
