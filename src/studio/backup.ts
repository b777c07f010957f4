import { createReadStream, createWriteStream, existsSync, mkdirSync, readdirSync, renameSync, rmSync, rmdirSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Header, extract, pack } from 'tar-stream';
import { ItemId, LIMITS, StudioError, amount, limitClause } from '../contract/index.js';
import { type Db, closeDatabase, openDatabase } from './database.js';
import { PARTIAL } from './files.js';
import { DATABASE, copyDatabase } from './good-copy.js';

/** What a backup may hold, so that a hostile one writes nothing elsewhere and does not fill the disk with a single entry. */
const BACKUP_LIMITS = LIMITS.backup.limits;

const STAGED = 'restored';
/** Folders of the data folder that hold one folder an item, or a voice. Items and voices have ids of one form. */
const ROOTS = ['items', 'voices'] as const;
const PLAIN_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/**
 * Writes the library, database, items and voices, into one tar file: it is either whole or not there. Jobs may go on meanwhile; what they finish
 * may or may not be in it. Models are left out: they are not the person's own.
 */
export async function backUp(db: Db, folder: string, file: string): Promise<{ files: number }> {
  const partial = join(dirname(file), PARTIAL + basename(file));
  const snapshot = join(folder, `${PARTIAL}backup.db`);
  try {
    await mkdir(dirname(file), { recursive: true });
    await rm(snapshot, { force: true });
    copyDatabase(db, snapshot);
    const tar = pack();
    const written = pipeline(tar, createWriteStream(partial, { flush: true }));
    // Whichever fails first is the one to tell of.
    const [files] = await Promise.all([addAll(tar, folder, snapshot), written]);
    await rename(partial, file);
    return { files };
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  } finally {
    await rm(snapshot, { force: true });
  }
}

type Pack = ReturnType<typeof pack>;

async function addAll(tar: Pack, folder: string, snapshot: string): Promise<number> {
  try {
    await addFile(tar, DATABASE, snapshot);
    let files = 1;
    for (const root of ROOTS) {
      for (const id of await readdir(join(folder, root))) {
        if (!ItemId.safeParse(id).success) continue;
        for (const name of await filesOf(join(folder, root, id))) {
          await addFile(tar, `${root}/${id}/${name}`, join(folder, root, id, name));
          files++;
        }
      }
    }
    tar.finalize();
    return files;
  } catch (error) {
    tar.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

/** None where the item or the voice went out of the trash for good in the meantime. */
async function filesOf(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => PLAIN_NAME.test(name)).sort();
}

async function addFile(tar: Pack, name: string, file: string): Promise<void> {
  const { size, mtime } = await stat(file);
  await pipeline(createReadStream(file, { end: Math.max(0, size - 1) }), tar.entry({ name, size, mtime }));
}

/**
 * Unpacks a backup into the data folder beside what is there, and checks it. The next start puts it in place (`finishRestore`), so that
 * there is no moment without a whole library.
 * @throws StudioError `bad-file` where it is no backup, is cut off, or has something in it that a backup has not
 */
export async function stageRestore(file: string, folder: string, studio: string): Promise<{ files: number }> {
  const partial = join(folder, PARTIAL + STAGED);
  await rm(partial, { recursive: true, force: true });
  try {
    // Also those that the backup has nothing for: what is in theirs now belongs to the library that gives way.
    for (const root of ROOTS) await mkdir(join(partial, root), { recursive: true });
    const files = await unpack(file, partial);
    if (!existsSync(join(partial, DATABASE))) throw noBackup(file, 'there is no database in it');
    // Also brings an older one up to date, and refuses that of a newer studio.
    closeDatabase(openDatabase(join(partial, DATABASE), studio));
    await rm(join(folder, STAGED), { recursive: true, force: true });
    await rename(partial, join(folder, STAGED));
    return { files };
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

async function unpack(file: string, folder: string): Promise<number> {
  const tar = extract();
  const read = pipeline(createReadStream(file), tar);
  // An entry that was cut off before anybody read from it would never end: what it is raced against only ever fails.
  const failed = read.then(() => new Promise<never>(() => undefined));
  failed.catch(() => undefined);
  let files = 0;
  try {
    for await (const entry of tar) {
      const target = targetOf(entry.header, file);
      if (++files > BACKUP_LIMITS.entries.value) throw noBackup(file, `it has too many files: ${limitClause(BACKUP_LIMITS.entries)}`);
      await mkdir(join(folder, dirname(target)), { recursive: true });
      const written = createWriteStream(join(folder, target), { flush: true });
      try {
        await Promise.race([pipeline(entry, written), failed]);
      } finally {
        written.destroy();
      }
    }
    await read;
  } catch (error) {
    if (error instanceof StudioError) throw error;
    if (error instanceof Error && 'code' in error && error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    throw noBackup(file, error instanceof Error ? error.message : String(error), error);
  }
  return files;
}

/** Path of an entry inside the folder, once nothing about it can lead out. */
function targetOf({ name, type, size = 0 }: Header, file: string): string {
  if (type !== 'file') throw noBackup(file, `“${name.slice(0, 80)}” is not a plain file`);
  const limit = name === DATABASE ? BACKUP_LIMITS.databaseBytes : BACKUP_LIMITS.fileBytes;
  if (size > limit.value) throw noBackup(file, `“${name.slice(0, 80)}” is larger than ${amount(limit)}`);
  if (name === DATABASE) return name;
  const [root = '', id = '', inside = '', ...more] = name.split('/');
  if (!ROOTS.some((known) => known === root) || more.length > 0 || !ItemId.safeParse(id).success || !PLAIN_NAME.test(inside)) {
    throw noBackup(file, `“${name.slice(0, 80)}” has no place in a library`);
  }
  return name;
}

function noBackup(file: string, why: string, cause?: unknown): StudioError {
  return new StudioError('bad-file', `${file} is not a whole backup of a ResGen library: ${why}. Choose another file.`, { cause });
}

/**
 * Puts a restored library in place before the database is opened; what was there is kept in a folder of its own. Each step is a rename,
 * and a crash between two leaves the rest for the next start.
 * @returns the sentence to tell, or null where nothing was restored
 */
export function finishRestore(folder: string): string | null {
  const staged = join(folder, STAGED);
  if (!existsSync(staged)) return null;
  const name = `replaced-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`;
  const replaced = join(folder, name);
  mkdirSync(replaced);
  for (const part of readdirSync(staged).sort()) {
    const beside = part === DATABASE ? [DATABASE, `${DATABASE}-wal`, `${DATABASE}-shm`] : [part];
    for (const old of beside) if (existsSync(join(folder, old))) renameSync(join(folder, old), join(replaced, old));
    renameSync(join(staged, part), join(folder, part));
  }
  rmdirSync(staged);
  // It is the copy of the library that went away.
  rmSync(join(folder, `${DATABASE}.good`), { force: true });
  return `The library was restored from its backup. What was there before is in the folder “${name}”, which you may delete.`;
}
