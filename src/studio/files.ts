import { closeSync, constants, fsyncSync, openSync } from 'node:fs';
import { access, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Marks what is not finished yet; whatever still has it when the studio starts is left over from a crash. */
export const PARTIAL = '.partial-';

/** Creates a folder with these files in one step: it is either whole, also after a power cut, or not there. */
export async function writeFolder(folder: string, files: Readonly<Record<string, Uint8Array>>): Promise<void> {
  const parent = dirname(folder);
  const partial = join(parent, PARTIAL + folder.slice(parent.length + 1));
  try {
    // Not recursive, which says ENOENT where the disk is read-only.
    await mkdir(partial);
    for (const [name, bytes] of Object.entries(files)) await writeSynced(join(partial, name), bytes);
    syncFolder(partial);
    await rename(partial, folder);
    syncFolder(parent);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

/** Writes a file beside its place and renames it over. */
export async function writeWhole(file: string, bytes: Uint8Array): Promise<void> {
  const partial = join(dirname(file), PARTIAL + file.slice(dirname(file).length + 1));
  try {
    await writeSynced(partial, bytes);
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

async function writeSynced(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'w');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes renames inside the folder durable. Windows can't open folders and does not need it. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Whether there is a file or folder of that name that can be reached. */
export function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
