import { basename } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { type Item, StudioError, type Voice, voicesOf } from '../contract/index.js';
import { type Studio, dataFolder } from '../studio/index.js';
import { type Host, ask, withStudio } from './host.js';
import { copyAsset } from './image.js';
import { exitCodes, note, printResult, table } from './output.js';
import { readInput } from './token-input.js';

interface AddOptions {
  name: string;
  consent?: string;
  from?: number;
  to?: number;
  json: boolean;
}

/** `resgen voices add`: what is wrong with the clip goes to stderr; what is too wrong keeps it out. */
export async function addVoice(host: Host, clip: string, { name, consent, from, to, json }: AddOptions): Promise<number> {
  const file = { name: basename(clip), bytes: new Uint8Array(await readInput(clip)) };
  return withStudio(host, true, async (studio) => {
    const { seconds } = await ask(studio, 'voices.open', file);
    const region = from === undefined && to === undefined ? null : { from: from ?? 0, until: to ?? seconds };
    const voice = await ask(studio, 'voices.add', { name, file, region, consent });
    const findings = await ask(studio, 'voices.check', { file, region });
    for (const { text } of findings) note(text);
    printResult(json, { ...voice, findings }, `${voice.name}: ${voice.seconds.toFixed(1)} s`);
    return exitCodes.done;
  });
}

/** `resgen voices list` */
export async function listVoices(host: Host, { json }: { json: boolean }): Promise<number> {
  return withStudio(host, true, async (studio) => {
    const voices = await liveVoices(studio);
    if (json) for (const voice of voices) printResult(true, voice, '');
    else if (voices.length > 0) printResult(false, {}, table(voices.map(rowOf)));
    else note('There are no voices yet. Add one with `resgen voices add`.');
    return exitCodes.done;
  });
}

/** `resgen voices rename` */
export async function renameVoice(host: Host, given: string, name: string, { json }: { json: boolean }): Promise<number> {
  return withStudio(host, true, async (studio) => {
    const voice = await ask(studio, 'voices.rename', { id: (await findVoice(studio, given)).id, name });
    printResult(json, voice, voice.name);
    return exitCodes.done;
  });
}

/** `resgen voices export` */
export async function exportVoice(
  host: Host,
  given: string,
  { out, overwrite, json }: { out: string; overwrite: boolean; json: boolean },
): Promise<number> {
  if (!/\.zip$/i.test(out)) throw new StudioError('bad-request', `${out} must end in .zip. Rename it.`);
  return withStudio(host, true, async (studio) => {
    const { id } = await findVoice(studio, given);
    const { url, bytes } = await ask(studio, 'voices.export', { id });
    await copyAsset(studio, url, out, overwrite);
    printResult(json, { file: out, bytes }, out);
    return exitCodes.done;
  });
}

/** `resgen voices remove` */
export async function removeVoice(host: Host, given: string, { yes, json }: { yes: boolean; json: boolean }): Promise<number> {
  return withStudio(host, true, async (studio) => {
    const voice = await findVoice(studio, given);
    if (!yes && !(await confirm(voice))) {
      note('Nothing was deleted.');
      return exitCodes.done;
    }
    await ask(studio, 'voices.remove', { id: voice.id });
    printResult(json, { removed: voice.id, items: voice.items }, voice.name);
    note('It is in the trash for 30 days. The Voices page of the studio can bring it back.');
    return exitCodes.done;
  });
}

async function confirm({ name, items }: Voice): Promise<boolean> {
  const what = items === 0 ? `the voice “${name}”` : `the voice “${name}” and the ${items === 1 ? 'item' : `${items} items`} made with it`;
  if (!process.stdin.isTTY) throw new StudioError('bad-request', `This would delete ${what}. Add --yes if that is meant.`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(?:es)?$/i.test((await terminal.question(`Delete ${what}? [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}

const liveVoices = async (studio: Studio): Promise<Voice[]> =>
  (await ask(studio, 'voices.list', null)).filter(({ deletedAt }) => deletedAt === null);

/** A voice by its name or its id. @throws StudioError `not-found` with the names there are */
export async function findVoice(studio: Studio, given: string): Promise<Voice> {
  const voices = await liveVoices(studio);
  const name = given.trim().toLowerCase();
  const voice = voices.find((v) => v.name.toLowerCase() === name) ?? voices.find((v) => v.id === given);
  if (voice) return voice;
  const others = voices.length > 0 ? `There is: ${voices.map((v) => v.name).join(', ')}.` : 'Add one with `resgen voices add`.';
  throw new StudioError('not-found', `There is no voice “${given}”. ${others}`);
}

function rowOf({ name, seconds, createdAt, items, id }: Voice): string[] {
  const date = new Date(createdAt).toISOString().slice(0, 10);
  return [name, `${seconds.toFixed(1)} s`, date, items === 1 ? '1 item' : `${items} items`, id];
}

/**
 * Lends the studio the voices that said these items, out of the person's library. A sound is a use of each, and so is to generate anew.
 * @throws StudioError `no-consent`, or `not-found` where the library has such a voice no more, or never had it
 */
export async function borrowVoices(host: Host, studio: Studio, items: readonly Item[]): Promise<void> {
  const wanted = new Set(items.flatMap(({ recipe }) => voicesOf(recipe)));
  if (wanted.size === 0) return;
  await withStudio(host, true, async (library) => {
    const there = await ask(library, 'voices.list', null);
    for (const id of wanted) {
      if (!there.some((voice) => voice.id === id)) throw noVoice(dataFolder(host.data));
      await library.lendVoice(id, studio);
    }
  });
}

const noVoice = (folder: string): StudioError =>
  new StudioError(
    'not-found',
    `The voice that says this is not in the library at ${folder}, so it can't be known that it may be used. Name the data folder that has it with --data.`,
  );
