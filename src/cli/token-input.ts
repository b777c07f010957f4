import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FILE_LIMITS, type Item, StudioError, formatBytes } from '../contract/index.js';
import type { Studio } from '../studio/index.js';
import { ask } from './host.js';

const TOKENS = /\.(?:safetensors|npy)$/i;

/** The token file beside a picture that the studio or `resgen image --tokens` saved. */
export function besidePicture(file: string): string {
  const name = basename(file);
  return join(dirname(file), name === 'picture.png' ? 'tokens.safetensors' : name.replace(/\.png$/i, '.safetensors'));
}

/**
 * A file as an item: a token file, a picture whose tokens are beside it, or anything that the model encodes.
 * @param model used to encode, and for token files that do not name their model
 */
export async function itemOf(studio: Studio, file: string, model: string): Promise<Item> {
  const beside = /\.png$/i.test(file) ? besidePicture(file) : null;
  const source = beside !== null && existsSync(beside) ? beside : file;
  const bytes = new Uint8Array(await readInput(source));
  const name = basename(source);
  return TOKENS.test(source) ? ask(studio, 'tokens.import', { name, bytes, model }) : ask(studio, 'items.import', { name, bytes, model });
}

/** @throws StudioError `bad-request` with the reason; what is too large is not read at all */
export async function readInput(file: string): Promise<Buffer> {
  try {
    const { size } = await stat(file);
    if (size > FILE_LIMITS.uploadBytes) {
      const [has, most] = [size, FILE_LIMITS.uploadBytes].map(formatBytes);
      throw new StudioError('bad-request', `${file} has ${has}, and ${most} are the most. Cut out the part that you need, then use that.`);
    }
    return await readFile(file);
  } catch (cause) {
    if (cause instanceof StudioError) throw cause;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new StudioError('bad-request', `${file} can't be read (${code === 'ENOENT' ? 'there is no such file' : code}). Check the name.`, {
      cause,
    });
  }
}
