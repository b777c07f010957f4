import { rmSync } from 'node:fs';
import Database from 'libsql';
import { StudioError } from '../contract/index.js';
import { migrate, schemaVersion, SCHEMA_VERSION } from './migrations.js';

export type Db = Database.Database;

/**
 * Opens the database for this process alone and brings its schema up to date; `studio` is the version that does so. SQLite's own exclusive lock is what keeps a second
 * studio off the same folder: it is gone with the process, however that ends.
 */
export function openDatabase(file: string, studio: string): Db {
  let db: Db | undefined;
  try {
    db = new Database(file);
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    // SQLite gives an exclusive lock up again only where the log was read once before it was asked for.
    touch(db);
    db.pragma('locking_mode = EXCLUSIVE');
    assertSound(db);
    keepBeforeMigration(db, file);
    migrate(db, file, studio);
    return db;
  } catch (error) {
    if (db) closeQuietly(db);
    throw databaseError(error, file);
  }
}

function closeQuietly(db: Db): void {
  try {
    closeDatabase(db);
  } catch {
    // The error that made us close says more.
  }
}

/**
 * Gives every lock up before closing, because libsql keeps the connection until the garbage collector has taken its last statement. A
 * connection in WAL mode holds a shared lock even when it does nothing, so that mode is left too, which also puts the log away.
 */
export function closeDatabase(db: Db): void {
  try {
    db.pragma('locking_mode = NORMAL');
    db.pragma('journal_mode = DELETE');
    touch(db);
  } finally {
    db.close();
  }
}

/** Damage in a page that nothing has read yet is found here, while there is still a good copy. */
function assertSound(db: Db): void {
  const answer = quickCheck(db);
  if (answer !== 'ok') throw Object.assign(new Error(answer), { code: 'SQLITE_CORRUPT' });
}

function quickCheck(db: Db): string {
  try {
    const [row] = db.prepare('PRAGMA quick_check(1)').all() as { quick_check: string }[];
    return row?.quick_check ?? 'no answer';
  } catch (error) {
    // It computes the generated columns as well, and stops at a row whose JSON is broken with an error that says nothing of damage.
    if (error instanceof Error && 'code' in error && error.code === 'SQLITE_ERROR') return error.message;
    throw error;
  }
}

/** The way back to an older studio, should a person want it: its database as it was. */
function keepBeforeMigration(db: Db, file: string): void {
  const version = schemaVersion(db);
  if (version === 0 || version >= SCHEMA_VERSION) return;
  const kept = `${file}.schema-${version}`;
  rmSync(kept, { force: true });
  db.prepare('VACUUM INTO ?').run(kept);
}

/** SQLite changes locks when it next reads. */
function touch(db: Db): void {
  db.prepare('SELECT count(*) FROM sqlite_schema').get();
}

/** SQLite's errors as sentences; others pass unchanged. */
export function databaseError(error: unknown, file = 'the library'): unknown {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error;
  const { code } = error;
  if (code.startsWith('SQLITE_FULL')) {
    return new StudioError('disk-full', 'The disk is full. Free some space, then retry; everything finished so far is kept.', {
      cause: error,
    });
  }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new StudioError('refused', `Another ResGen Studio is using ${file}. Close it first, or choose another data folder.`, {
      cause: error,
    });
  }
  if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')) {
    const advice =
      'Your pictures are still in the folder “items” beside it. Move the damaged file away and start again, or restore a copy of it.';
    return new StudioError('bad-file', `The library ${file} is damaged and can't be read. ${advice}`, { cause: error });
  }
  if (code.startsWith('SQLITE_CANTOPEN') || code.startsWith('SQLITE_READONLY') || code.startsWith('SQLITE_IOERR')) {
    return new StudioError(
      'refused',
      `The library ${file} can't be opened for writing (${error.message}). Check the folder's permissions.`,
      { cause: error },
    );
  }
  return error;
}
