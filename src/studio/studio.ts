import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import {
  type AppInfo,
  type Bridge,
  type CallName,
  type Params,
  type SpawnEngine,
  type StudioEvent,
  StudioError,
  type Voice,
  calls,
} from '../contract/index.js';
import { readTokenFile } from '../engine/tokens.js';
import { type Asset, Assets } from './assets.js';
import { backUp, finishRestore } from './backup.js';
import { badRequest } from './bad-request.js';
import { CrashReports } from './crash-reports.js';
import { ClassUseStore } from './class-use-store.js';
import { dataFolder } from './data-folder.js';
import { closeDatabase } from './database.js';
import { DictionaryStore } from './dictionary-store.js';
import { Engine } from './engine.js';
import { toStudioError } from './errors.js';
import { Exports } from './exports.js';
import { DATABASE, GoodCopy, type OpenedDatabase, openOrRecover } from './good-copy.js';
import { createHandlers } from './handlers.js';
import { ItemsStore } from './items-store.js';
import { ImageWork } from './image-work.js';
import { JobQueue } from './job-queue.js';
import { JobsStore } from './jobs-store.js';
import { Library } from './library.js';
import { Licences } from './licences.js';
import { Models } from './models.js';
import { type PictureEncoder, sharpEncoder, toPng } from './pictures.js';
import { SettingsStore } from './settings-store.js';
import { Sounds, decodeSound } from './sounds.js';
import { Planner } from './speech/plan.js';
import { Prompts } from './speech/prompts.js';
import { SpeechWork } from './speech/speech-work.js';
import { StoredPlans } from './speech/stored-plans.js';
import { Takes } from './speech/takes.js';
import { StudioLog, eventLines } from './studio-log.js';
import { VoicesStore } from './voices/store.js';
import { type VoiceFiles, Voices } from './voices/voices.js';

export interface StudioOptions {
  host: AppInfo['host'];
  version: string;
  /** Folders of the packages that ship. `models` in the data folder is looked at too. */
  modelFolders: readonly string[];
  /** Starts the engine process; called at first use, and again after a crash. */
  spawnEngine: SpawnEngine;
  /** Default: `RESGEN_DATA` of the environment, then the platform's place for application data. */
  dataFolder?: string;
  /** `g2p.bin` of the build, which says words that no dictionary has. */
  g2pFile?: string;
  /** `licences.json` of the build. */
  licencesFile?: string;
  /** The notices that come with the Electron that runs this. */
  chromiumNotices?: { file: string; version: string };
  /** Where the host's own reports go; default: the data folder. */
  reports?: CrashReports;
  /** Shows a folder in the system's file manager, where host and person share a screen. */
  openFolder?: (folder: string) => Promise<void>;
  /** Default: sharp. */
  encoder?: PictureEncoder;
}

/** The application without a window. Hosts carry `call`, `subscribe` and `asset` to their clients. */
export interface Studio extends Bridge {
  /** The file behind the path of an `/assets/…` URL, or null. */
  asset(path: string): Promise<Asset | null>;
  /**
   * A token file as a PNG, or as a WAV where it is a sound, at the full depth of its model or a lower one. For hosts without a library of
   * their own.
   * @param withRecipe whether a sound carries its recipe; default: as the settings say
   * @throws StudioError `no-consent` for tokens in a voice that this library does not keep, `not-found` for one in the trash
   */
  decodeTokens(file: Uint8Array, depth?: number, withRecipe?: boolean): Promise<{ bytes: Uint8Array; extension: 'png' | 'wav' }>;
  /**
   * Hands a voice to another studio, under its own id: what was said with it can be edited and heard there for as long as that one is open.
   * @throws StudioError `no-consent`, `not-found` for one that is gone or in the trash, `bad-file`
   */
  lendVoice(id: string, to: Pick<Studio, 'borrowVoice'>): Promise<Voice>;
  /** The other end of `lendVoice`. @throws StudioError `no-consent`, or `bad-request` where a voice of that name is here */
  borrowVoice(id: string, files: VoiceFiles): Promise<Voice>;
  /** Loads the model that the Images page opens with, so that the first picture does not wait for it. For hosts with a window. */
  warmUp(): Promise<void>;
  /** What closing would interrupt: jobs go on at the next start, edits in the inspector do not. */
  unfinished(): { jobs: number; edits: number };
  /** Writes the library into one file, which `stageRestore` takes back. Jobs go on meanwhile. */
  backUp(file: string): Promise<{ files: number }>;
  /** Stops the running job between two steps and starts none until `wake`. */
  sleep(): Promise<void>;
  wake(): void;
  /** Ends the running job between two steps, to go on at the next start, and the engine process. */
  close(): Promise<void>;
}

/** How long `close` waits for a step to end before it ends the engine process. */
const CLOSE_MS = 2000;

/** @throws StudioError `refused` or `bad-file`: the data folder is in use, of a newer studio, damaged or not writable */
export function createStudio(options: StudioOptions): Studio {
  const folder = dataFolder(options.dataFolder);
  const opened = openData(folder, options.version);
  try {
    return assemble(options, folder, opened);
  } catch (error) {
    closeDatabase(opened.db);
    throw toStudioError(error);
  }
}

/** `first`: there was no library here before. */
function openData(folder: string, version: string): OpenedDatabase & { first: boolean } {
  try {
    mkdirSync(join(folder, 'models'), { recursive: true });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new StudioError('refused', `The data folder ${folder} can't be made (${why}). Choose another one with RESGEN_DATA.`, { cause });
  }
  const restored = finishRestore(folder);
  const first = !existsSync(join(folder, DATABASE));
  const { db, notices } = openOrRecover(folder, version);
  return { db, first, notices: restored === null ? notices : [restored, ...notices] };
}

function assemble(
  {
    host,
    version,
    modelFolders,
    spawnEngine,
    encoder = sharpEncoder,
    g2pFile,
    licencesFile,
    chromiumNotices,
    openFolder,
    reports: givenReports,
  }: StudioOptions,
  folder: string,
  { db, first, notices }: ReturnType<typeof openData>,
): Studio {
  const listeners = new Set<(event: StudioEvent) => void>();
  const emit = (event: StudioEvent): void => {
    for (const listener of listeners) listener(event);
  };
  const log = new StudioLog(folder);
  listeners.add(eventLines((text) => log.write(text)));
  const reports = givenReports ?? new CrashReports({ dataFolder: folder, host, version });
  reports.onWritten((payload) => emit({ name: 'reportAdded', payload }));
  const onError = (title: string, error: unknown): void => {
    if (CrashReports.unforeseen(toStudioError(error))) reports.write({ title, error });
  };

  const settings = new SettingsStore(db);
  // Who has a library knows the studio.
  if (!first && !settings.get().welcomed) settings.set({ welcomed: true });
  const jobs = new JobsStore(db);
  const models = new Models([...modelFolders, join(folder, 'models')]);
  const items = new ItemsStore(db, (recipe) => models.presetOf(recipe));
  const library = new Library(folder, items, encoder);
  const voiceRows = new VoicesStore(db);
  const voices = new Voices(folder, voiceRows, library);
  const engine = new Engine(
    spawnEngine,
    (payload) => emit({ name: 'engine', payload }),
    (reason, lastWords) => reports.write({ title: `The engine process stopped (${reason}).`, lastWords }),
  );
  const dictionary = new DictionaryStore(db);
  const planner = new Planner(dictionary, g2pFile ?? null);
  const plans = new StoredPlans(jobs, planner);
  const prompts = new Prompts(voices);
  const making = { jobs, items, library, models, settings, engine, emit, version };
  const work = {
    image: new ImageWork({ ...making, encoder }),
    speech: new SpeechWork({ ...making, voices, planner, plans, prompts }),
  };
  const queue = new JobQueue({ jobs, items, work, emit, onError });
  const takes = new Takes({ jobs, items, library, models, plans, version });
  const exports = new Exports(
    folder,
    library,
    new Sounds({ library, models, engine, settings }),
    () => settings.get().embedRecipe,
    (voice) => voices.assertHeard(voice),
  );
  const assets = new Assets(library, models, exports, voices, items, takes);
  const info: AppInfo = { version, host, platform: process.platform, dataFolder: folder, modelFolders: [...models.folders], notices };
  const classUse = new ClassUseStore(db);
  const handlers = createHandlers({
    info,
    settings,
    classUse,
    dictionary,
    jobs,
    items,
    library,
    voices,
    planner,
    prompts,
    takes,
    voiceRows,
    models,
    engine,
    queue,
    exports,
    encoder,
    reports,
    licences: new Licences(licencesFile ?? null, chromiumNotices ?? null),
    openFolder,
    emit,
  });

  reports.describe(() => ({ provider: engine.status.provider, log: log.tail() }));
  if (log.endedBadly) reports.write({ title: 'The studio ended without closing.' });
  log.opened(`version ${version}, ${host}, ${process.platform} ${process.arch}`);

  library.tidy(queue.interrupted());
  voices.tidy();
  queue.start();

  const goodCopy = new GoodCopy(db, folder, { idle: () => queue.idle });
  goodCopy.start();

  const ended = new AbortController();
  // What an older studio kept, or came in before its model did. Nobody waits for it, and it goes on at the next start.
  const naming = models
    .list()
    .then(() => items.namePresets(ended.signal))
    .catch((error: unknown) => onError('The presets of older items could not be looked up.', error));

  let edits = 0;
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    const stopped = queue.close();
    ended.abort();
    await Promise.race([stopped, delay(CLOSE_MS, undefined, { ref: false })]);
    engine.close();
    await stopped;
    await naming;
    goodCopy.close();
    closeDatabase(db);
    log.closed();
  };

  return {
    call: async (name, params) => {
      const isEdit = name === 'tokens.edit';
      if (isEdit) edits++;
      try {
        const parsed = parse(name, params);
        return { ok: true, value: await handlers[name](parsed) };
      } catch (error) {
        onError(`A call of the studio failed in a way that nobody foresaw: ${Object.hasOwn(calls, name) ? name : 'unknown'}.`, error);
        const wire = toStudioError(error).toWire();
        log.write(`call ${Object.hasOwn(calls, name) ? name : 'unknown'}: ${wire.code}`);
        return { ok: false, error: wire };
      } finally {
        if (isEdit) edits--;
      }
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    asset: (path) => assets.find(path),
    decodeTokens: async (file, depth, withRecipe) => {
      const { model: id, L, D, codes, recipe } = readTokenFile(file);
      const model = await models.find(id);
      const { tokens, image, sound: format } = model.manifest;
      if (D !== tokens.D || (image ? L !== tokens.L : L > tokens.L)) {
        throw new StudioError(
          'bad-file',
          `These tokens are [${L}, ${D}] and the model “${id}” has [${tokens.L}, ${tokens.D}]. Use the version they were made with.`,
        );
      }
      if (depth !== undefined && depth > D)
        throw new StudioError('bad-request', `The model “${id}” has ${D} depths. Choose a depth from 1 to ${D}.`);
      const { provider } = settings.get();
      // Before the work, and again by the one point where the sound is written.
      if (format) exports.checkVoices(recipe);
      if (image) {
        const data = await engine.use(model, provider, (session) => session.decode(codes, depth ?? D));
        return { bytes: await toPng({ data, size: image.size }), extension: 'png' };
      }
      const sound = await decodeSound(engine, model, provider, { L, D, codes }, depth);
      return { bytes: exports.wav(sound, recipe, withRecipe), extension: 'wav' };
    },
    lendVoice: async (id, to) => to.borrowVoice(id, await voices.files(id)),
    borrowVoice: (id, files) => voices.borrow(id, files),
    warmUp: async () => {
      const able = (await models.list()).filter(({ manifest }) => manifest?.kind === 'image' && manifest.files.step);
      const next = able.find(({ id }) => id === settings.get().lastModel) ?? able[0];
      if (next) await engine.warmUp(await models.find(next.id), settings.get().provider);
    },
    unfinished: () => ({ jobs: jobs.list().filter(({ state }) => state === 'queued' || state === 'running').length, edits }),
    backUp: (file) => backUp(db, folder, file),
    sleep: () => queue.sleep(),
    wake: () => queue.wake(),
    close: () => (closing ??= close()),
  };
}

/** Whatever a client sends, as the contract has it. @throws StudioError `bad-request` */
function parse<N extends CallName>(name: N, params: unknown): Params<N> {
  if (!Object.hasOwn(calls, name))
    throw new StudioError('bad-request', `The studio has no call “${name}”. Reload the page; it may be of another version.`);
  // TypeScript does not follow that the schema at a name gives the parameters of that name.
  const schema = calls[name].params as unknown as z.ZodType<Params<N>>;
  const parsed = schema.safeParse(params);
  if (!parsed.success) throw badRequest(parsed.error);
  return parsed.data;
}
