import Database from 'libsql';
import { StudioError } from '../contract/index.js';

export type Db = Database.Database;

/** Entry i takes a database from `user_version` i to i + 1. Entries are never changed once released, only added. */
const MIGRATIONS = [
  `
  CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    request TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    done INTEGER NOT NULL,
    total INTEGER NOT NULL,
    error TEXT
  );
  CREATE TABLE items (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    job_id TEXT,
    job_index INTEGER,
    recipe TEXT NOT NULL,
    search TEXT NOT NULL,
    width INTEGER,
    height INTEGER,
    duration_ms REAL,
    deleted_at INTEGER
  );
  CREATE UNIQUE INDEX items_of_job ON items (job_id, job_index) WHERE job_id IS NOT NULL;
  CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
  CREATE TABLE class_use (model TEXT NOT NULL, class TEXT NOT NULL, used_at INTEGER NOT NULL, PRIMARY KEY (model, class));
  `,
];

/**
 * Opens the database for this process alone and brings its schema up to date. SQLite's own exclusive lock is what keeps a second
 * studio off the same folder: it is gone with the process, however that ends.
 */
export function openDatabase(file: string): Db {
  let db: Db | undefined;
  try {
    db = new Database(file);
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    // SQLite gives an exclusive lock up again only where the log was read once before it was asked for.
    touch(db);
    db.pragma('locking_mode = EXCLUSIVE');
    migrate(db, file);
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

/** SQLite changes locks when it next reads. */
function touch(db: Db): void {
  db.prepare('SELECT count(*) FROM sqlite_schema').get();
}

function migrate(db: Db, file: string): void {
  // In WAL mode it is the first write that takes the exclusive lock.
  db.exec('BEGIN EXCLUSIVE');
  try {
    const row = db.prepare('SELECT user_version AS version FROM pragma_user_version').get() as { version: number };
    if (row.version > MIGRATIONS.length) {
      throw new StudioError(
        'refused',
        `The library ${file} was written by a newer ResGen Studio. Update this one, or choose another data folder.`,
      );
    }
    for (const migration of MIGRATIONS.slice(row.version)) db.exec(migration);
    db.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
    db.exec('COMMIT');
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
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
