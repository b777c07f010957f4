import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { version } from '../../package.json';
import { type AppInfo, type CallName, type ParamsInput, type Result, StudioError } from '../contract/index.js';
import { CrashReports, type Preferences, type Studio, createStudio, dataFolder, nodeEngine, readPreferences } from '../studio/index.js';
import { note } from './output.js';

/** Where the built command line stands, and what the person asked of it that every command shares. */
export interface Host {
  /** `out/main`: the engine process is beside the command line, the renderer in the folder next to it. */
  builtFolder: string;
  /** `--data` */
  data: string | undefined;
}

/** The folder of packages that ship, or those that `RESGEN_MODELS` names instead. */
function shippedModels({ builtFolder }: Host): string[] {
  const given = process.env['RESGEN_MODELS'];
  return given ? given.split(delimiter) : [join(builtFolder, '..', '..', 'resources', 'models')];
}

/** Says words that no dictionary has. */
const g2pFile = ({ builtFolder }: Host): string => join(builtFolder, '..', '..', 'resources', 'text', 'g2p.bin');

const licencesFile = ({ builtFolder }: Host): string => join(builtFolder, 'licences.json');

/**
 * Reports of crashes go to the person's data folder, also those of commands that work in a temporary one, and the terminal says so.
 * @throws StudioError as `dataFolder` does
 */
export function openReports(host: Host, as: AppInfo['host']): CrashReports {
  const reports = new CrashReports({ dataFolder: dataFolder(host.data), host: as, version });
  reports.onWritten(({ name, title }) => note(`${title} A report is in ${reports.fileOf(name)}; it was sent to nobody.`));
  return reports;
}

/** The person's own library. */
export function openLibrary(host: Host, as: AppInfo['host']): Studio {
  return createStudio({
    host: as,
    version,
    modelFolders: shippedModels(host),
    spawnEngine: nodeEngine(join(host.builtFolder, 'engine.js')),
    dataFolder: dataFolder(host.data),
    reports: openReports(host, as),
    g2pFile: g2pFile(host),
    licencesFile: licencesFile(host),
  });
}

/** A studio for one command: over an empty library that goes with it, or with `keep` over the person's own. */
export async function withStudio<T>(host: Host, keep: boolean, work: (studio: Studio) => Promise<T>): Promise<T> {
  if (keep) return closing(openLibrary(host, 'cli'), work);
  const temporary = await mkdtemp(join(tmpdir(), 'resgen-'));
  try {
    const studio = createStudio({
      host: 'cli',
      version,
      modelFolders: [...shippedModels(host), join(dataFolder(host.data), 'models')],
      spawnEngine: nodeEngine(join(host.builtFolder, 'engine.js')),
      dataFolder: temporary,
      reports: openReports(host, 'cli'),
      g2pFile: g2pFile(host),
      licencesFile: licencesFile(host),
    });
    return await closing(studio, work);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/**
 * Gives a studio over an empty library what the person has chosen in their own: how words are said, and whether recipes go along. Where that can't be
 * read, because the studio is open, recipes stay out, and the terminal says so.
 */
export async function takePreferences(host: Host, studio: Studio): Promise<void> {
  const preferences = chosenPreferences(host, 'your dictionary is not used, and the recipe is left out of the sound.');
  if (!preferences) return;
  await ask(studio, 'settings.set', preferences.settings);
  for (const entry of preferences.dictionary) await ask(studio, 'dictionary.set', entry);
}

/**
 * Whether a studio over an empty library writes recipes: as the command was told, else as the person has chosen in their own.
 * @param recipe `--recipe` or `--no-recipe`
 */
export async function takeRecipeChoice(host: Host, studio: Studio, recipe: boolean | undefined): Promise<void> {
  const settings =
    recipe === undefined
      ? chosenPreferences(host, 'the recipe is left out of what is written; --recipe puts it in all the same.')?.settings
      : { embedRecipe: recipe };
  if (settings) await ask(studio, 'settings.set', settings);
}

/** Null where there is no library yet. @param without what comes of it where it can't be read now, as the end of a sentence */
function chosenPreferences(host: Host, without: string): Preferences | null {
  try {
    return readPreferences(dataFolder(host.data));
  } catch (error) {
    note(`${StudioError.from(error).message} Until then ${without}`);
    return { dictionary: [], settings: { embedRecipe: false } };
  }
}

async function closing<T>(studio: Studio, work: (studio: Studio) => Promise<T>): Promise<T> {
  try {
    return await work(studio);
  } finally {
    await studio.close();
  }
}

/** A call's value; a refusal becomes the error again that it was. */
export async function ask<N extends CallName>(studio: Studio, name: N, params: ParamsInput<N>): Promise<Result<N>> {
  const reply = await studio.call(name, params);
  if (!reply.ok) throw new StudioError(reply.error.code, reply.error.message);
  return reply.value;
}
