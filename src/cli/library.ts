import { existsSync } from 'node:fs';
import { version } from '../../package.json';
import { StudioError } from '../contract/index.js';
import { dataFolder, moveDataFolder, stageRestore } from '../studio/index.js';
import { type Host, ask, openLibrary } from './host.js';
import { exitCodes, note, printResult } from './output.js';
import { alreadyThere } from './target.js';

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
