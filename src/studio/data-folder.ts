import envPaths from 'env-paths';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { StudioError } from '../contract/index.js';
import { PARTIAL, writeWhole } from './files.js';

const places = envPaths('ResGen Studio', { suffix: '' });

/** Where the place of a data folder that was moved is written down: outside of it, and the same for every host. */
const POINTER = 'data-folder.txt';

/**
 * `given`, else the environment's `RESGEN_DATA`, else where the person moved it, else the platform's place for application data (XDG on
 * Linux).
 * @throws StudioError `refused` where it was moved to a place that is not there, a disk taken out for one
 */
export function dataFolder(given?: string): string {
  return resolve(given ?? process.env['RESGEN_DATA'] ?? movedTo() ?? places.data);
}

function movedTo(): string | null {
  let place: string;
  try {
    place = readFileSync(join(places.config, POINTER), 'utf8').trim();
  } catch {
    return null;
  }
  if (existsSync(place)) return place;
  // A move that was interrupted before it had moved anything.
  if (existsSync(join(places.data, 'studio.db'))) return null;
  throw new StudioError(
    'refused',
    `The data folder was moved to ${place}, which is not there. Connect its disk, or choose another folder with RESGEN_DATA.`,
  );
}

/**
 * Moves the data folder of a studio that is closed. On another disk it is copied whole before the old one goes.
 * @param remember whether later starts are to look there by themselves
 * @throws StudioError `bad-request` where the place is taken or lies inside the folder
 */
export async function moveDataFolder(from: string, to: string, remember: boolean): Promise<void> {
  const [source, target] = [resolve(from), resolve(to)];
  if (target === source || target.startsWith(source + sep)) {
    throw new StudioError('bad-request', `${target} lies inside the data folder itself. Choose a place outside of it.`);
  }
  if (existsSync(target)) {
    if ((await readdir(target)).length > 0)
      throw new StudioError('bad-request', `${target} is not empty. Choose a new or an empty folder.`);
    await rmdir(target);
  }
  await mkdir(dirname(target), { recursive: true });
  const pointer = join(places.config, POINTER);
  const before = remember && existsSync(pointer) ? readFileSync(pointer) : null;
  if (remember) {
    await mkdir(places.config, { recursive: true });
    await writeWhole(pointer, Buffer.from(`${target}\n`));
  }
  try {
    await moveFolder(source, target);
  } catch (failed) {
    if (before) await writeWhole(pointer, before);
    else if (remember) await rm(pointer, { force: true });
    throw failed;
  }
}

async function moveFolder(source: string, target: string): Promise<void> {
  try {
    await rename(source, target);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EXDEV')) throw error;
    const partial = join(dirname(target), PARTIAL + target.slice(dirname(target).length + 1));
    try {
      await cp(source, partial, { recursive: true, preserveTimestamps: true });
      await rename(partial, target);
    } catch (failed) {
      await rm(partial, { recursive: true, force: true });
      throw failed;
    }
    await rm(source, { recursive: true, force: true });
  }
}
