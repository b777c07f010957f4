import { extname } from 'node:path';
import { StudioError } from '../contract/index.js';
import { type Host, ask, takeRecipeChoice, withStudio } from './host.js';
import { copyAsset } from './image.js';
import { unlessInterrupted } from './interrupt.js';
import { exitCodes, printResult } from './output.js';
import { formatOf } from './target.js';
import { itemOf } from './token-input.js';
import { borrowVoices } from './voices.js';

/** What `--out` may end in, and what is then written. */
const FORMATS = {
  '.safetensors': 'safetensors',
  '.npy': 'npy',
  '.csv': 'csv',
  '.png': 'strip',
  '.wav': 'strip',
  '.webp': 'webp',
  '.gif': 'gif',
} as const;

/** `resgen tokens export`: the tokens in another format, all depths side by side, or the unmasking as an animation or as steps to hear. */
export async function exportTokens(
  host: Host,
  file: string,
  options: { model: string; out: string; steps: boolean; recipe?: boolean; overwrite: boolean; json: boolean },
): Promise<number> {
  const wanted = formatOf(options.out, FORMATS);
  if (options.steps && wanted !== 'strip') {
    throw new StudioError(
      'bad-request',
      '--steps is for sounds, which are written as .wav: rename --out. Pictures unmask as .webp or .gif.',
    );
  }
  const format = options.steps ? 'steps' : wanted;
  return withStudio(host, false, async (studio) => {
    await takeRecipeChoice(host, studio, options.recipe);
    const { url, bytes } = await unlessInterrupted(async () => {
      const item = await itemOf(studio, file, options.model);
      if (format === 'strip' || format === 'steps') await borrowVoices(host, studio, [item]);
      return ask(studio, 'tokens.export', { id: item.id, format });
    });
    // A strip is a picture or a sound as the model has it; the wrong name would only mislead.
    if (extname(url) !== extname(options.out).toLowerCase()) {
      throw new StudioError(
        'bad-request',
        `${options.steps ? 'The steps' : 'The depths'} of ${file} are written as ${extname(url)}. Rename ${options.out}.`,
      );
    }
    await copyAsset(studio, url, options.out, options.overwrite);
    printResult(options.json, { file: options.out, bytes }, options.out);
    return exitCodes.done;
  });
}
