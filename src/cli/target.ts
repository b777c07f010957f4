import { constants } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { StudioError } from '../contract/index.js';

/** Writes a file where the person wants it, and over another one only if told so. @throws StudioError `bad-request` where one is there */
export async function saveTo(file: string, content: { bytes: Uint8Array } | { from: string }, overwrite: boolean): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    if ('bytes' in content) await writeFile(file, content.bytes, { flag: overwrite ? 'w' : 'wx' });
    else await copyFile(content.from, file, overwrite ? 0 : constants.COPYFILE_EXCL);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') throw alreadyThere(file);
    throw error;
  }
}

export function alreadyThere(file: string): StudioError {
  return new StudioError('bad-request', `${file} is there already. Choose another place, or --overwrite it.`);
}

/** What of `formats`, by extension, a file's name asks for. @throws StudioError `bad-request` with those that there are */
export function formatOf<Format extends string>(file: string, formats: Readonly<Record<string, Format>>): Format {
  const format = formats[extname(file).toLowerCase()];
  if (format !== undefined) return format;
  throw new StudioError('bad-request', `${file} must end in one of ${Object.keys(formats).join(', ')}. Rename it.`);
}

/** A name of a class as a folder: without what file systems refuse. */
export const folderName = (name: string): string => name.replace(/[\p{Cc}<>:"/\\|?*]/gu, '_').replace(/^\.+|[. ]+$/g, '_');
