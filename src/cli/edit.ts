import { existsSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { type Edit, type Item, StudioError } from '../contract/index.js';
import type { Studio } from '../studio/index.js';
import type { SetCode } from './edit-options.js';
import { type Host, ask, takeRecipeChoice, withStudio } from './host.js';
import { copyAsset } from './image.js';
import { unlessInterrupted } from './interrupt.js';
import { ProgressLine, exitCodes, printResult } from './output.js';
import { alreadyThere, formatOf } from './target.js';
import { itemOf } from './token-input.js';
import { borrowVoices } from './voices.js';

interface EditOptions {
  model: string;
  resampleBelow?: number;
  inpaint?: number[];
  leastConfident?: number;
  swap?: string;
  at?: number;
  blend?: string;
  alpha?: number;
  set: SetCode[];
  zero?: number;
  seed?: number;
  class?: string;
  out: string;
  recipe?: boolean;
  overwrite: boolean;
  json: boolean;
}

/** What `--out` may end in, and what is then written. */
const FORMATS = {
  '.safetensors': 'safetensors',
  '.npy': 'npy',
  '.csv': 'csv',
  '.png': 'png',
  '.wav': 'wav',
  '.flac': 'flac',
  '.mp3': 'mp3',
} as const;
type OutFormat = (typeof FORMATS)[keyof typeof FORMATS];
/** What each kind of item can be written as, besides its tokens. */
const SEEN_AS: Readonly<Record<Item['kind'], readonly OutFormat[]>> = { image: ['png'], speech: ['wav', 'flac', 'mp3'] };
const TOKEN_FORMATS = ['safetensors', 'npy', 'csv'] as const satisfies readonly OutFormat[];

/**
 * `resgen edit`: one edit of one file's tokens, written as tokens, or as the picture or the sound of them. What was said in a voice is edited
 * with that voice, of the person's library and as far as it may be used there; nothing is kept in the library.
 */
export async function edit(host: Host, file: string, options: EditOptions): Promise<number> {
  const format = formatOf(options.out, FORMATS);
  const chosen = chosenEdit(options);
  // Before the first step: the work should not end on a file that was there all the time.
  if (!options.overwrite && existsSync(options.out)) throw alreadyThere(options.out);
  return withStudio(host, false, async (studio) => {
    await takeRecipeChoice(host, studio, options.recipe);
    const { url, changed, recipe } = await unlessInterrupted(() => make(host, studio, file, { chosen, format, options }));
    await copyAsset(studio, url, options.out, options.overwrite);
    printResult(options.json, { file: options.out, changed, recipe }, options.out);
    return exitCodes.done;
  });
}

/** Makes the edit and tells of its steps; gives what is to be written and how many tokens are others. */
async function make(
  host: Host,
  studio: Studio,
  file: string,
  { chosen, format, options }: { chosen: ReturnType<typeof chosenEdit>; format: OutFormat; options: EditOptions },
): Promise<{ url: string; changed: number; recipe: Item['recipe'] }> {
  const line = new ProgressLine();
  const run = randomUUID().replaceAll('-', '');
  const stopListening = studio.subscribe(({ name, payload }) => {
    if (name === 'edit' && payload.run === run) line.show(`Step ${payload.step} of ${payload.steps}`);
  });
  line.show('Loading the model…');
  try {
    const item = await itemOf(studio, file, options.model);
    assertWritable(item, options.out, format);
    const items = [item];
    const change = await chosen(async (other) => {
      const second = await itemOf(studio, other, options.model);
      items.push(second);
      return second.id;
    });
    // Whoever is generated anew, mixed with somebody else or heard must have agreed.
    if (change.kind.startsWith('resample') || 'other' in change || !isTokenFormat(format)) await borrowVoices(host, studio, items);
    const edited = await ask(studio, 'tokens.edit', {
      id: item.id,
      edit: change,
      run,
      ...(options.seed !== undefined && { seed: options.seed }),
      ...(options.class !== undefined && { className: options.class }),
    });
    const { perDepth } = await ask(studio, 'tokens.compare', { a: item.id, b: edited.id });
    const changed = perDepth.reduce((sum, count) => sum + count, 0);
    return { url: await exported(studio, edited, format), changed, recipe: edited.recipe };
  } finally {
    stopListening();
    line.clear();
  }
}

function isTokenFormat(format: OutFormat): format is (typeof TOKEN_FORMATS)[number] {
  return TOKEN_FORMATS.some((known) => known === format);
}

/** Before the work: tokens of a sound are no picture. @throws StudioError `bad-request` */
function assertWritable({ kind }: Item, out: string, format: OutFormat): void {
  if (isTokenFormat(format) || SEEN_AS[kind].includes(format)) return;
  const [what, endings] = kind === 'image' ? ['a picture', '.png'] : ['a sound', '.wav, .flac or .mp3'];
  throw new StudioError('bad-request', `${out} must end in ${endings}, as the tokens are those of ${what}, or in .safetensors. Rename it.`);
}

async function exported(studio: Studio, { id }: Item, format: OutFormat): Promise<string> {
  const file = isTokenFormat(format)
    ? await ask(studio, 'tokens.export', { id, format })
    : await ask(studio, 'items.export', { ids: [id], format });
  return file.url;
}

type Other = (file: string) => Promise<string>;

/** The one edit that the options name. Its second file is read only when it is asked for. @throws StudioError `bad-request` */
function chosenEdit(options: EditOptions): (other: Other) => Promise<Edit> {
  const edits: ((other: Other) => Promise<Edit>)[] = [];
  const plain = (made: Edit): number => edits.push(() => Promise.resolve(made));
  const { resampleBelow, inpaint, leastConfident, swap, at, blend, alpha, set, zero } = options;
  if (resampleBelow !== undefined) plain({ kind: 'resampleBelow', depth: resampleBelow });
  if (inpaint) plain({ kind: 'resamplePositions', positions: inpaint });
  if (leastConfident !== undefined) plain({ kind: 'resampleLeastConfident', percent: leastConfident });
  if (swap !== undefined) {
    if (at === undefined) throw new StudioError('bad-request', '--swap needs --at: how many depths of the first file stay.');
    edits.push(async (other) => ({ kind: 'swap', other: await other(swap), at }));
  }
  if (blend !== undefined) {
    if (alpha === undefined) throw new StudioError('bad-request', '--blend needs --alpha: the share of the second file, from 0 to 1.');
    edits.push(async (other) => ({ kind: 'blend', other: await other(blend), alpha }));
  }
  if (set.length > 0) plain({ kind: 'setCodes', codes: set });
  if (zero !== undefined) plain({ kind: 'zeroDepth', depth: zero });
  const [only] = edits;
  if (!only || edits.length > 1) {
    const names = '--resample-below, --inpaint, --least-confident, --swap, --blend, --set or --zero';
    throw new StudioError('bad-request', `Name one edit: ${names}. For several, edit what the first one wrote.`);
  }
  return only;
}
