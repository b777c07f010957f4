import { existsSync } from 'node:fs';
import { version } from '../../package.json';
import { type Item, LIBRARY_LIMITS, type Result, StudioError } from '../contract/index.js';
import { dataFolder, moveDataFolder, stageRestore } from '../studio/index.js';
import { type Host, ask, openLibrary, withStudio } from './host.js';
import { exitCodes, note, printResult } from './output.js';
import { alreadyThere } from './target.js';
import { findVoice } from './voices.js';

interface ListOptions {
  search: string;
  voice?: string;
  model?: string;
  tag?: string;
  favourites: boolean;
  limit: number;
  json: boolean;
}

/** `resgen library list`: a line an item, newest first, a page at a time. */
export async function list(host: Host, { search, voice, model, tag, favourites, limit, json }: ListOptions): Promise<number> {
  return withStudio(host, true, async (studio) => {
    const filter = {
      favourites,
      ...(model !== undefined && { model }),
      ...(tag !== undefined && { tag }),
      ...(voice !== undefined && { voice: (await findVoice(studio, voice)).id }),
    };
    const names = new Map((await ask(studio, 'voices.list', null)).map(({ id, name }) => [id, name]));
    let before: string | null = null;
    let found = 0;
    for (let left = limit; left > 0;) {
      const asked = { limit: Math.min(left, LIBRARY_LIMITS.page), before, kind: null, search, filter };
      const page: Result<'items.list'> = await ask(studio, 'items.list', asked);
      for (const item of page.items) printResult(json, item, lineOf(item, names));
      before = page.items.at(-1)?.id ?? null;
      found = page.total;
      left = before === null ? 0 : left - page.items.length;
    }
    if (found === 0) note('Nothing in the library is like that.');
    else if (found > limit) note(`${found.toLocaleString('en')} items are like that; ask for more with --limit.`);
    return exitCodes.done;
  });
}

function lineOf(
  { id, createdAt, recipe: { className, seed, source, speech, voice, model } }: Item,
  names: ReadonlyMap<string, string>,
): string {
  const what = speech?.text ?? (className === undefined ? source : `${className} ${seed ?? ''}`.trim()) ?? '';
  const who = voice === undefined ? '' : `  ${names.get(voice) ?? 'a voice that is gone'}`;
  return `${id}  ${new Date(createdAt).toISOString().slice(0, 10)}  ${model.id}${who}  ${what.replace(/\s+/g, ' ').slice(0, 80)}`;
}

/** `resgen library backup`: the person's library as one file. */
export async function backUp(host: Host, file: string, { overwrite }: { overwrite: boolean }): Promise<number> {
  if (existsSync(file) && !overwrite) throw alreadyThere(file);
  const studio = openLibrary(host, 'cli');
  try {
    const { files } = await studio.backUp(file);
    printResult(false, {}, `${file}: ${files} files`);
    return exitCodes.done;
  } finally {
    await studio.close();
  }
}

/** `resgen library restore`: opened once, so that what is wrong with the backup shows here and not at the next start. */
export async function restore(host: Host, file: string): Promise<number> {
  if (!existsSync(file)) throw new StudioError('bad-request', `${file} can't be read (there is no such file). Check the name.`);
  // Opening it first proves that no other studio is at work in it.
  await openLibrary(host, 'cli').close();
  await stageRestore(file, dataFolder(host.data), version);
  const studio = openLibrary(host, 'cli');
  try {
    for (const notice of (await ask(studio, 'app.info', null)).notices) note(notice);
    const { items } = await ask(studio, 'library.summary', null);
    printResult(false, {}, `${items} items`);
    return exitCodes.done;
  } finally {
    await studio.close();
  }
}

/** `resgen library move` */
export async function move(host: Host, to: string): Promise<number> {
  const from = dataFolder(host.data);
  await openLibrary(host, 'cli').close();
  const given = host.data ?? process.env['RESGEN_DATA'];
  await moveDataFolder(from, to, given === undefined);
  printResult(false, {}, dataFolder(given === undefined ? undefined : to));
  if (given !== undefined) note('The old place was named by --data or RESGEN_DATA: name the new one from now on.');
  return exitCodes.done;
}
