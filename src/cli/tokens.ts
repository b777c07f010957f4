import { basename } from 'node:path';
import { StudioError } from '../contract/index.js';
import type { Studio } from '../studio/index.js';
import { type Host, ask, takeRecipeChoice, withStudio } from './host.js';
import { saveTokens } from './image.js';
import { unlessInterrupted } from './interrupt.js';
import { exitCodes, printResult } from './output.js';
import { saveTo } from './target.js';
import { besidePicture, readInput } from './token-input.js';

interface EncodeOptions {
  model: string;
  out: string;
  recipe?: boolean;
  overwrite: boolean;
}

interface DecodeOptions extends Omit<EncodeOptions, 'model'> {
  depth?: number;
}

/** `resgen decode`: a token file, or the one beside a picture that the studio saved, as a PNG, or as a WAV where it is a sound. */
export async function decode(host: Host, file: string, options: DecodeOptions): Promise<number> {
  const tokens = await readInput(/\.png$/i.test(file) ? besidePicture(file) : file);
  const write = async (studio: Studio): Promise<number> => {
    const decoded = await unlessInterrupted(() => studio.decodeTokens(tokens, options.depth, options.recipe));
    if (!options.out.toLowerCase().endsWith(`.${decoded.extension}`)) {
      const what = decoded.extension === 'wav' ? 'a sound' : 'a picture';
      throw new StudioError(
        'bad-request',
        `${options.out} must end in .${decoded.extension}, as the tokens are those of ${what}. Rename it.`,
      );
    }
    await saveTo(options.out, { bytes: decoded.bytes }, options.overwrite);
    printResult(false, {}, options.out);
    return exitCodes.done;
  };
  try {
    return await withStudio(host, false, async (studio) => {
      await takeRecipeChoice(host, studio, options.recipe);
      return write(studio);
    });
  } catch (error) {
    if (!(error instanceof StudioError) || error.code !== 'no-consent') throw error;
    // Who agreed to be heard is known to the person's own library, if at all. It is opened only for that: nothing is kept in it.
    return withStudio(host, true, write);
  }
}

/** `resgen encode`: a picture or a sound as a token file. */
export async function encode(host: Host, file: string, options: EncodeOptions): Promise<number> {
  return withStudio(host, false, async (studio) => {
    await takeRecipeChoice(host, studio, options.recipe);
    const bytes = new Uint8Array(await readInput(file));
    const item = await unlessInterrupted(() => ask(studio, 'items.import', { name: basename(file), bytes, model: options.model }));
    await saveTokens(studio, item, { file: options.out, overwrite: options.overwrite });
    printResult(false, {}, options.out);
    return exitCodes.done;
  });
}
