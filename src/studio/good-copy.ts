import { closeSync, copyFileSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { StudioError } from '../contract/index.js';
import { type Db, closeDatabase, openDatabase } from './database.js';
import { PARTIAL } from './files.js';

export const DATABASE = 'studio.db';
const GOOD_COPY = 'studio.db.good';
/** Up to here a copy takes a moment, and is made each time the studio closes; a larger database is copied at the first close of a day. */
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

/** When a copy is due. Times are of a clock that nobody can set. */
const DUE = {
  /** How often it is looked whether one is. */
  lookMs: 60_000,
  /** So many changed rows are not left without one for longer than that. */
  changes: 500,
  /** The least change is not for longer than this: it may be a tag that took an evening to think of. */
  quietMs: 10 * 60_000,
  /** While jobs run, copying waits for a rest between two of them, but not for ever. */
  busyMs: 30 * 60_000,
  /** Copying a large database holds everything else up for a second or more. */
  largeMs: 60 * 60_000,
} as const;

interface GoodCopyOptions {
  /** Whether nobody waits for the studio. */
  idle: () => boolean;
  /** Milliseconds of a clock that only goes forward. */
  now?: () => number;
  /** Up to how many bytes a copy takes but a moment. */
  quickBytes?: number;
}

/**
 * Keeps a copy of the database beside it, at the close and while the studio runs, so that a crash and a damaged page together lose little.
 * Every copy reads every page, so a damaged database replaces no good copy.
 */
export class GoodCopy {
  readonly #idle: () => boolean;
  readonly #now: () => number;
  readonly #quickBytes: number;
  #timer: ReturnType<typeof setInterval> | undefined;
  /** Changes of the database, and the time, at the last copy of this run. */
  #copiedChanges: number;
  #copiedAt: number;

  constructor(
    private readonly db: Db,
    private readonly folder: string,
    { idle, now = () => performance.now(), quickBytes = QUICK_BYTES }: GoodCopyOptions,
  ) {
    [this.#idle, this.#now, this.#quickBytes] = [idle, now, quickBytes];
    this.#copiedChanges = this.#changes();
    this.#copiedAt = now();
  }

  /** Looks now and then whether a copy is due; ends with `close`. */
  start(): void {
    this.#timer = setInterval(() => this.keepIfDue(), DUE.lookMs);
    this.#timer.unref();
  }

  keepIfDue(): void {
    const changes = this.#changes() - this.#copiedChanges;
    const since = this.#now() - this.#copiedAt;
    if (changes === 0 || (changes < DUE.changes && since < DUE.quietMs)) return;
    if (!this.#idle() && since < DUE.busyMs) return;
    if (!this.#isQuick() && since < DUE.largeMs) return;
    this.#keep();
  }

  /** The last copy, where it is quick, or the last one is of another day. */
  close(): void {
    clearInterval(this.#timer);
    if (this.#isQuick() || !this.#isFresh()) this.#keep();
  }

  #keep(): void {
    // Also where it fails: a full disk is not asked again each minute.
    [this.#copiedChanges, this.#copiedAt] = [this.#changes(), this.#now()];
    const partial = join(this.folder, PARTIAL + GOOD_COPY);
    try {
      rmSync(partial, { force: true });
      copyDatabase(this.db, partial);
      sync(partial);
      renameSync(partial, join(this.folder, GOOD_COPY));
    } catch {
      // A precaution must not stop the studio: it is tried again next time, and the last copy is still there.
      rmSync(partial, { force: true });
    }
  }

  /** Rows that this connection has changed; nobody else writes. */
  #changes(): number {
    return (this.db.prepare('SELECT total_changes() AS n').get() as { n: number }).n;
  }

  #isQuick(): boolean {
    return statSync(join(this.folder, DATABASE)).size <= this.#quickBytes;
  }

  /** A copy from the future was made before the clock was set back, which says nothing of its age: it is made anew. */
  #isFresh(): boolean {
    const copy = join(this.folder, GOOD_COPY);
    const age = existsSync(copy) ? Date.now() - statSync(copy).mtimeMs : Infinity;
    return age >= 0 && age < DAY_MS;
  }
}

/** To the disk itself: a copy must outlive the power cut that it is for. */
function sync(file: string): void {
  const descriptor = openSync(file, 'r+');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
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
