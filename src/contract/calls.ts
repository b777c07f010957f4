import { z } from 'zod';
import { dictionaryCalls } from './dictionary.js';
import { ExportedFile, FileName, Upload } from './files.js';
import { ItemId, JobId } from './ids.js';
import { inspectorCalls } from './inspector.js';
import { licenceCalls } from './licences.js';
import { ItemFilter, LIBRARY_LIMITS, LibrarySummary, Tag } from './library.js';
import { ModelSummary } from './model.js';
import { ImageRequest, Item, Job, ProviderProbe, Recipe, Settings } from './records.js';
import { reportCalls } from './reports.js';
import { SoundFormat, speechCalls } from './speech.js';
import { voiceCalls } from './voices.js';

const Ids = z.array(ItemId).min(1).max(LIBRARY_LIMITS.perCall);
const Nothing = z.null();

export const AppInfo = z.strictObject({
  version: z.string(),
  host: z.enum(['electron', 'browser', 'cli']),
  platform: z.string(),
  /** Where things lie on the studio's own disk: null and none for clients of `resgen serve`, which may be on another machine. */
  dataFolder: z.string().nullable(),
  modelFolders: z.array(z.string()),
  /** Sentences about this start that a person should read, such as that a damaged database was replaced by its last good copy. */
  notices: z.array(z.string()),
});
export type AppInfo = z.infer<typeof AppInfo>;

export const EngineStatus = z.strictObject({
  state: z.enum(['stopped', 'starting', 'ready', 'busy']),
  model: z.string().nullable(),
  provider: z.string().nullable(),
  probes: z.array(ProviderProbe),
  /** A sentence when the engine stopped by itself. */
  problem: z.string().nullable(),
});
export type EngineStatus = z.infer<typeof EngineStatus>;

/** Every call between the renderer (or any client) and the studio. Named here, those of the inspector, of crash reports and of speech in files of their own. */
export const calls = {
  'app.info': { params: z.null(), result: AppInfo },
  'settings.get': { params: z.null(), result: Settings },
  'settings.set': { params: Settings.partial(), result: Settings },

  'models.list': { params: z.null(), result: z.array(ModelSummary) },
  /** Markdown of the card. */
  'models.card': { params: z.strictObject({ id: z.string() }), result: z.strictObject({ markdown: z.string() }) },
  /** Re-reads every file and checks sizes and SHA-256. */
  'models.verify': {
    params: z.strictObject({ id: z.string() }),
    result: z.strictObject({ ok: z.boolean(), problems: z.array(z.string()) }),
  },
  /** Classes by last use, newest first. */
  'models.recentClasses': { params: z.strictObject({ id: z.string() }), result: z.array(z.string()) },

  'engine.status': { params: z.null(), result: EngineStatus },
  /** Loads the model and runs the probe of every provider this build lists. */
  'engine.probe': { params: z.strictObject({ model: z.string() }), result: EngineStatus },

  'jobs.create': { params: ImageRequest, result: Job },
  'jobs.list': { params: z.null(), result: z.array(Job) },
  /** Stops between two steps; finished items stay. */
  'jobs.cancel': { params: z.strictObject({ id: JobId }), result: Job },
  /** Queues what a failed or cancelled job has not finished. */
  'jobs.retry': { params: z.strictObject({ id: JobId }), result: Job },
  /** Stops a job between two steps, or takes it out of the queue; finished items stay. */
  'jobs.pause': { params: z.strictObject({ id: JobId }), result: Job },
  'jobs.resume': { params: z.strictObject({ id: JobId }), result: Job },
  /** Puts a waiting job before another one, or to the end of the queue. */
  'jobs.move': { params: z.strictObject({ id: JobId, before: JobId.nullable() }), result: Nothing },
  'jobs.cancelAll': { params: z.null(), result: z.array(Job) },
  /** Takes ended jobs off the list; their items stay. */
  'jobs.remove': { params: z.strictObject({ ids: z.array(JobId).min(1).max(LIBRARY_LIMITS.perCall) }), result: Nothing },

  /** Newest first. `before` is the id of the last item of the page before. */
  'items.list': {
    params: z.strictObject({
      limit: z.int().min(1).max(LIBRARY_LIMITS.page),
      before: ItemId.nullable(),
      kind: z.enum(['image', 'speech']).nullable(),
      /** Every word has to be found, or begin a word, in the class, the recipe, the tags, the name of the preset or that of the voice. */
      search: z.string().max(LIBRARY_LIMITS.search),
      filter: ItemFilter.prefault({}),
    }),
    result: z.strictObject({ items: z.array(Item), total: z.int() }),
  },
  'items.get': { params: z.strictObject({ id: ItemId }), result: Item },
  /** To the trash; `items.restore` undoes it. */
  'items.remove': { params: z.strictObject({ ids: Ids }), result: Nothing },
  'items.restore': { params: z.strictObject({ ids: Ids }), result: Nothing },
  /** Out of the trash for good, files and all: these, or with null all of them. */
  'items.purge': { params: z.strictObject({ ids: Ids.nullable() }), result: z.strictObject({ removed: z.int() }) },
  'items.favourite': { params: z.strictObject({ ids: Ids, favourite: z.boolean() }), result: Nothing },
  'items.tag': {
    params: z.strictObject({
      ids: Ids,
      add: z.array(Tag).max(LIBRARY_LIMITS.tagsPerCall),
      remove: z.array(Tag).max(LIBRARY_LIMITS.tagsPerCall),
    }),
    result: Nothing,
  },
  'library.summary': { params: z.null(), result: LibrarySummary },
  /**
   * One file for one item or a sheet, a zip for several: pictures in the format, sounds as WAV. Carries the recipe unless settings say otherwise;
   * a sound says in any case that it is synthetic.
   */
  'items.export': {
    params: z.strictObject({ ids: Ids, format: z.enum(['png', 'jpeg', 'webp', 'sheet', ...SoundFormat.options]) }),
    result: ExportedFile,
  },
  /** Encodes a picture, or with a model of sounds a clip (WAV, FLAC, MP3, Ogg Vorbis or Opus), and keeps it as an item. */
  'items.import': { params: z.strictObject({ name: FileName, bytes: Upload, model: z.string() }), result: Item },
  /** The recipe inside a dropped PNG, JPEG, WebP or WAV. */
  'recipe.read': { params: z.strictObject({ name: FileName, bytes: Upload }), result: Recipe },

  ...inspectorCalls,
  ...reportCalls,
  ...licenceCalls,
  ...voiceCalls,
  ...speechCalls,
  ...dictionaryCalls,
} as const satisfies Record<string, { params: z.ZodType; result: z.ZodType }>;

export type CallName = keyof typeof calls;
export type Params<N extends CallName> = z.infer<(typeof calls)[N]['params']>;
/** What a caller passes: fields with defaults may be left out. */
export type ParamsInput<N extends CallName> = z.input<(typeof calls)[N]['params']>;
export type Result<N extends CallName> = z.infer<(typeof calls)[N]['result']>;

/** Addresses of files, the same under Electron's `studio://app` and the server's origin. */
export const assets = {
  picture: (id: string) => `/assets/items/${id}/picture.png`,
  /** The token array as safetensors. */
  tokens: (id: string) => `/assets/items/${id}/tokens.safetensors`,
  /** 192 px WebP, or the picture itself where it is no larger. */
  thumbnail: (id: string) => `/assets/items/${id}/thumbnail.webp`,
  /** The sheet of class tiles of a package. */
  classes: (model: string) => `/assets/models/${model}/thumbnails.webp`,
  /** The clip of a voice as WAV. */
  voice: (id: string) => `/assets/voices/${id}/clip.wav`,
  /** What an item says, as WAV. */
  sound: (id: string) => `/assets/items/${id}/sound.wav`,
  /** A take as far as it is made, as WAV: sentences at equal loudness with natural gaps. */
  take: (job: string) => `/assets/takes/${job}/take.wav`,
  exported: (name: string) => `/assets/exports/${name}`,
} as const;
