import {
  type AppInfo,
  type CallName,
  type Item,
  type Params,
  type Result,
  type StudioEvent,
  StudioError,
  voicesOf,
} from '../contract/index.js';
import type { ClassUseStore } from './class-use-store.js';
import type { CrashReports } from './crash-reports.js';
import type { DictionaryStore } from './dictionary-store.js';
import type { Engine } from './engine.js';
import type { Exports } from './exports.js';
import { importFile } from './import-file.js';
import { createInspectorHandlers } from './inspector/handlers.js';
import type { ItemsStore } from './items-store.js';
import type { JobQueue } from './job-queue.js';
import type { JobsStore } from './jobs-store.js';
import type { Library } from './library.js';
import type { Licences } from './licences.js';
import type { Models } from './models.js';
import type { PictureEncoder } from './pictures.js';
import { readRecipe } from './recipe-file.js';
import type { SettingsStore } from './settings-store.js';
import { createSpeechHandlers } from './speech/handlers.js';
import type { Planner } from './speech/plan.js';
import type { Prompts } from './speech/prompts.js';
import type { Takes } from './speech/takes.js';
import { createVoiceHandlers } from './voices/handlers.js';
import type { VoicesStore } from './voices/store.js';
import type { Voices } from './voices/voices.js';

/** One function a call: a call of the contract that is missing here, or one that it does not have, is a type error. */
export type Handlers = { [N in CallName]: (params: Params<N>) => Result<N> | Promise<Result<N>> };

export interface Parts {
  info: AppInfo;
  settings: SettingsStore;
  classUse: ClassUseStore;
  dictionary: DictionaryStore;
  jobs: JobsStore;
  items: ItemsStore;
  library: Library;
  voices: Voices;
  planner: Planner;
  prompts: Prompts;
  takes: Takes;
  voiceRows: VoicesStore;
  models: Models;
  engine: Engine;
  queue: JobQueue;
  exports: Exports;
  encoder: PictureEncoder;
  reports: CrashReports;
  licences: Licences;
  openFolder: ((folder: string) => Promise<void>) | undefined;
  emit: (event: StudioEvent) => void;
}

export function createHandlers(parts: Parts): Handlers {
  const {
    info,
    settings,
    classUse,
    dictionary,
    jobs,
    items,
    library,
    models,
    engine,
    queue,
    exports,
    reports,
    licences,
    openFolder,
    emit,
  } = parts;

  const changeSettings = (change: Params<'settings.set'>): Result<'settings.set'> => {
    const payload = settings.set(change);
    emit({ name: 'settings', payload });
    return payload;
  };

  const changed = (payload: Item[]): null => {
    if (payload.length > 0) emit({ name: 'itemsChanged', payload });
    return null;
  };

  const said = (): void => emit({ name: 'dictionary', payload: dictionary.list() });

  return {
    'app.info': () => info,
    'settings.get': () => settings.get(),
    'settings.set': changeSettings,

    'models.list': () => models.list(),
    'models.card': async ({ id }) => ({ markdown: await models.card(id) }),
    'models.verify': async ({ id }) => {
      const problems = await models.verify(id);
      return { ok: problems.length === 0, problems };
    },
    'models.recentClasses': ({ id }) => classUse.recent(id),

    'engine.status': () => engine.status,
    'engine.probe': async ({ model }) => engine.probe(await models.find(model), settings.get().provider),

    'jobs.create': async (request) => {
      const job = await queue.create({ kind: 'image', request });
      classUse.touch(request.model, request.classes);
      if (settings.get().lastModel !== request.model) changeSettings({ lastModel: request.model });
      return job;
    },
    'jobs.list': () => jobs.list(),
    'jobs.cancel': ({ id }) => queue.cancel(id),
    'jobs.retry': ({ id }) => queue.retry(id),
    'jobs.pause': ({ id }) => queue.pause(id),
    'jobs.resume': ({ id }) => queue.resume(id),
    'jobs.move': ({ id, before }) => {
      queue.move(id, before);
      return null;
    },
    'jobs.cancelAll': () => queue.cancelAll(),
    'jobs.remove': ({ ids }) => {
      const removed = jobs.remove(ids);
      if (removed.length > 0) emit({ name: 'jobsRemoved', payload: removed });
      return null;
    },

    'items.list': (params) => items.list(params),
    'items.get': ({ id }) => items.get(id),
    'items.remove': ({ ids }) => {
      const removed = items.setDeleted(ids, Date.now());
      if (removed.length > 0) emit({ name: 'itemsRemoved', payload: removed.map((item) => item.id) });
      return null;
    },
    'items.restore': ({ ids }) => {
      const trashed = parts.voiceRows.list().filter(({ deletedAt }) => deletedAt !== null);
      const used = new Set(trashed.length > 0 ? ids.flatMap((id) => voicesOf(items.get(id).recipe)) : []);
      const gone = trashed.find(({ id }) => used.has(id));
      if (gone) {
        const why = 'and with it everything that was made with it';
        throw new StudioError('refused', `The voice “${gone.name}” is in the trash, ${why}. Restore the voice first.`);
      }
      for (const item of items.setDeleted(ids, null)) emit({ name: 'itemAdded', payload: item });
      return null;
    },
    'items.purge': async ({ ids }) => ({ removed: await library.purge(ids) }),
    'items.favourite': ({ ids, favourite }) => changed(items.setFavourite(ids, favourite)),
    'items.tag': ({ ids, add, remove }) => changed(items.tag(ids, add, remove)),
    'library.summary': () => items.summary(),
    'items.export': ({ ids, format }) =>
      exports.create(
        [...new Set(ids)].map((id) => items.get(id)),
        format,
      ),
    'items.import': (params) => importFile(parts, params),
    'recipe.read': ({ name, bytes }) => readRecipe(name, bytes),

    'dictionary.list': () => dictionary.list(),
    'dictionary.set': (entry) => {
      const set = dictionary.set(entry);
      said();
      return set;
    },
    'dictionary.remove': ({ word }) => {
      dictionary.remove(word);
      said();
      return null;
    },

    ...createInspectorHandlers(parts),

    'licences.list': () => licences.list(),
    'licences.read': async ({ name, version }) => ({ text: await licences.text(name, version) }),

    'reports.list': () => reports.list(),
    'reports.read': ({ name }) => ({ text: reports.read(name) }),
    'reports.dismiss': () => {
      reports.dismiss();
      emit({ name: 'reportsDismissed', payload: null });
      return null;
    },
    'reports.openFolder': async () => {
      if (!openFolder) throw new StudioError('refused', 'This studio runs on another screen. Open the folder named in Settings there.');
      await openFolder(reports.folder);
      return null;
    },
    'reports.addPageError': ({ message, stack }) => {
      reports.write({ title: 'A page of the studio met an error.', error: stack.includes(message) ? stack : `${message}\n${stack}` });
      return null;
    },
    ...createVoiceHandlers(parts),
    ...createSpeechHandlers(parts),
  };
}
