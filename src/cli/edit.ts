import { existsSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { type Edit, type Item, StudioError } from '../contract/index.js';
import type { Studio } from '../studio/index.js';
import type { SetCode } from './edit-options.js';
import { type Host, ask, withStudio } from './host.js';
import { copyAsset } from './image.js';
import { unlessInterrupted } from './interrupt.js';
import { ProgressLine, exitCodes, printResult } from './output.js';
import { alreadyThere, formatOf } from './target.js';
import { itemOf } from './token-input.js';

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
  overwrite: boolean;
  json: boolean;
}

/** What `--out` may end in, and what is then written. */
const FORMATS = { '.safetensors': 'safetensors', '.npy': 'npy', '.csv': 'csv', '.png': 'png' } as const;

/** `resgen edit`: one edit of one file's tokens, written as tokens or as the picture of them. */
export async function edit(host: Host, file: string, options: EditOptions): Promise<number> {
  const format = formatOf(options.out, FORMATS);
  const chosen = chosenEdit(options);
  // Before the first step: the work should not end on a file that was there all the time.
  if (!options.overwrite && existsSync(options.out)) throw alreadyThere(options.out);
  return withStudio(host, false, async (studio) => {
    const { url, changed, recipe } = await unlessInterrupted(() => make(studio, file, chosen, format, options));
    await copyAsset(studio, url, options.out, options.overwrite);
    printResult(options.json, { file: options.out, changed, recipe }, options.out);
    return exitCodes.done;
  });
}

/** Makes the edit and tells of its steps; gives what is to be written and how many tokens are others. */
async function make(
  studio: Studio,
  file: string,
  chosen: ReturnType<typeof chosenEdit>,
  format: (typeof FORMATS)[keyof typeof FORMATS],
  options: EditOptions,
): Promise<{ url: string; changed: number; recipe: Item['recipe'] }> {
  const line = new ProgressLine();
  const run = randomUUID().replaceAll('-', '');
  const stopListening = studio.subscribe(({ name, payload }) => {
    if (name === 'edit' && payload.run === run) line.show(`Step ${payload.step} of ${payload.steps}`);
  });
  line.show('Loading the model…');
  try {
    const item = await itemOf(studio, file, options.model);
    const edited = await ask(studio, 'tokens.edit', {
      id: item.id,
      edit: await chosen(async (other) => (await itemOf(studio, other, options.model)).id),
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

async function exported(studio: Studio, { id }: Item, format: (typeof FORMATS)[keyof typeof FORMATS]): Promise<string> {
  const file =
    format === 'png' ? await ask(studio, 'items.export', { ids: [id], format }) : await ask(studio, 'tokens.export', { id, format });
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
