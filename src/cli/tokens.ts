import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { StudioError, assets } from '../contract/index.js';
import { type Host, ask, withStudio } from './host.js';
import { copyAsset } from './image.js';
import { exitCodes, printResult } from './output.js';
import { saveTo } from './target.js';

/** `resgen decode`: a token file, or the one beside a picture that the studio saved, as a PNG. */
export async function decode(host: Host, file: string, options: { depth?: number; out: string; overwrite: boolean }): Promise<number> {
  return withStudio(host, false, async (studio) => {
    const picture = await studio.decodeTokens(await readInput(tokenFileOf(file)), options.depth);
    await saveTo(options.out, { bytes: picture }, options.overwrite);
    printResult(false, {}, options.out);
    return exitCodes.done;
  });
}

function tokenFileOf(file: string): string {
  if (!file.toLowerCase().endsWith('.png')) return file;
  const name = basename(file);
  return join(dirname(file), name === 'picture.png' ? 'tokens.safetensors' : name.replace(/\.png$/i, '.safetensors'));
}

/** `resgen encode`: a picture as a token file. */
export async function encode(host: Host, file: string, options: { model: string; out: string; overwrite: boolean }): Promise<number> {
  return withStudio(host, false, async (studio) => {
    const bytes = new Uint8Array(await readInput(file));
    const item = await ask(studio, 'items.import', { name: basename(file), bytes, model: options.model });
    await copyAsset(studio, assets.tokens(item.id), options.out, options.overwrite);
    printResult(false, {}, options.out);
    return exitCodes.done;
  });
}

async function readInput(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new StudioError('bad-request', `${file} can't be read (${code === 'ENOENT' ? 'there is no such file' : code}). Check the name.`, {
      cause,
    });
  }
}
