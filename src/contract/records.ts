import { z } from 'zod';
import { ItemId, JobId, VoiceId } from './ids.js';
import { Tag } from './library.js';
import { LIMITS, numbers } from './limits.js';
import { ClassName, MODEL_LIMITS, ModelId } from './model.js';
import { Sampling, Seed } from './sampling.js';

export const JOB_LIMITS = numbers(LIMITS.jobs);

/** 2 is twice as fast as the model would speak by itself. */
export const Speed = z.number().min(0.5).max(2);

const EDIT_TOKENS = LIMITS.inspector.limits.editTokens.value;

const Position = z
  .int()
  .min(0)
  .max(MODEL_LIMITS.positions - 1);
const Depth = z.int().min(1).max(MODEL_LIMITS.depths);
/** A number of depths, from the coarsest on. */
const Depths = z.int().min(0).max(MODEL_LIMITS.depths);

/** A change to an item's tokens. Positions count from 0, depths from 1. What it does not name stays as it is, bit for bit. */
export const Edit = z.discriminatedUnion('kind', [
  /** Keeps the first `depth` depths of every position, and generates what is below them anew. */
  z.strictObject({ kind: z.literal('resampleBelow'), depth: Depths }),
  /** Generates these positions anew, all depths of them. */
  z.strictObject({ kind: z.literal('resamplePositions'), positions: z.array(Position).min(1).max(MODEL_LIMITS.positions) }),
  /** Generates these tokens anew. Refused where a deeper token of the same position would stay: what a generator sees is always a prefix. */
  z.strictObject({
    kind: z.literal('resampleTokens'),
    tokens: z
      .array(z.strictObject({ position: Position, depth: Depth }))
      .min(1)
      .max(EDIT_TOKENS),
  }),
  /** Generates the least confident anew: of each position as many of its deepest tokens as it has among them. */
  z.strictObject({ kind: z.literal('resampleLeastConfident'), percent: z.number().gt(0).max(100) }),
  z.strictObject({
    kind: z.literal('setCodes'),
    codes: z
      .array(z.strictObject({ position: Position, depth: Depth, code: z.int().min(0).max(MODEL_LIMITS.codes) }))
      .min(1)
      .max(EDIT_TOKENS),
  }),
  /** Depths 1..at of this item and at + 1..D of the other. */
  z.strictObject({ kind: z.literal('swap'), other: ItemId, at: Depths }),
  /** Quantises (1 - alpha) times this item's sum of embeddings plus alpha times the other's. */
  z.strictObject({ kind: z.literal('blend'), other: ItemId, alpha: z.number().min(0).max(1) }),
  /** Gives every position the code of this depth that is nearest to nothing: tokens can't leave a depth out altogether. */
  z.strictObject({ kind: z.literal('zeroDepth'), depth: Depth }),
]);
export type Edit = z.infer<typeof Edit>;

/** An item that an edit started from; `sha256` of its codes (int32, little-endian) tells it again where the id means nothing. */
export const Parent = z.strictObject({ id: ItemId, sha256: z.string().regex(/^[0-9a-f]{64}$/) });
export type Parent = z.infer<typeof Parent>;

/** Seeds of sentences that were rolled again, by their place in a text. */
const RolledSeeds = z.record(z.string().regex(/^\d{1,4}$/), Seed);

/** A sentence as it was said, or a text of several. */
export const Spoken = z.strictObject({
  text: z.string().max(LIMITS.speech.limits.text.value),
  speed: Speed,
  /** What the front end made of the text, with the boundaries and marks, and how long each lasts; they fill the item from its start. */
  phones: z.array(z.string().max(8)).max(LIMITS.speech.limits.phones.value),
  ms: z.array(z.number().min(0)).max(LIMITS.speech.limits.phones.value),
  /** Of several candidates the seed of the one that was kept; the recipe's own is that of the first. */
  keptSeed: Seed.optional(),
  /** Of a text of several sentences, whose phones are in the recipes of these. */
  again: RolledSeeds.optional(),
});
export type Spoken = z.infer<typeof Spoken>;

/** How an item came to be. Together with the package it names, enough to make the same tokens again. */
export const Recipe = z.strictObject({
  format: z.literal(1),
  studio: z.string().max(40),
  model: z.strictObject({ id: ModelId, version: z.string().max(40) }),
  kind: z.enum(['image', 'speech']),
  verb: z.enum(['generate', 'encode', 'edit']),
  /** generate */
  className: z.string().max(MODEL_LIMITS.className).optional(),
  seed: Seed.optional(),
  sampling: Sampling.optional(),
  /** generate, speech: id of the voice that speaks */
  voice: VoiceId.optional(),
  /** edit, speech: ids of the other voices whose tokens are in it; their people are asked as the first one's is */
  otherVoices: z.array(VoiceId).min(1).max(LIMITS.voices.limits.inOneItem.value).optional(),
  /** generate, speech: what is said, and when */
  speech: Spoken.optional(),
  /** encode: name of the file that was encoded, without its folder */
  source: z.string().max(LIMITS.files.limits.fileName.value).optional(),
  /** edit: what was done, to the first parent, with the second where there are two. className, seed and sampling are those of resampling. */
  edit: Edit.optional(),
  parents: z.array(Parent).min(1).max(2).optional(),
});
export type Recipe = z.infer<typeof Recipe>;

/** Ids of every voice that is in an item, the first one first. */
export function voicesOf({ voice, otherVoices = [] }: Pick<Recipe, 'voice' | 'otherVoices'>): string[] {
  return voice === undefined ? otherVoices : [voice, ...otherVoices];
}

export const Item = z.strictObject({
  id: ItemId,
  kind: z.enum(['image', 'speech']),
  createdAt: z.int(),
  jobId: JobId.nullable(),
  recipe: Recipe,
  width: z.int().nullable(),
  height: z.int().nullable(),
  /** Milliseconds the engine spent on this item; null for imported ones. */
  durationMs: z.number().nullable(),
  /** Set while the item is in the trash. */
  deletedAt: z.int().nullable(),
  favourite: z.boolean(),
  tags: z.array(Tag),
});
export type Item = z.infer<typeof Item>;

export const ImageRequest = z.strictObject({
  model: ModelId,
  classes: z.array(ClassName).min(1).max(JOB_LIMITS.classesPerJob),
  /** Pictures of each class. Picture i of a class has seed `(seed + i) mod 2^32`. */
  count: z.int().min(1).max(JOB_LIMITS.countPerClass),
  seed: Seed,
  sampling: Sampling,
  /** How many pictures the engine samples together; the seeds' results do not depend on it. */
  batch: z.int().min(1).max(JOB_LIMITS.batch).default(4),
});
export type ImageRequest = z.infer<typeof ImageRequest>;

/** A text to say, sentence by sentence: each becomes an item of the job. */
export const SpeechRequest = z.strictObject({
  model: ModelId,
  voice: VoiceId,
  text: z.string().min(1).max(LIMITS.speech.limits.text.value),
  /** Sentence i has seed `(seed + i) mod 2^32`, unless `again` says another. */
  seed: Seed,
  sampling: Sampling,
  speed: Speed.default(1),
  again: RolledSeeds.default({}),
});
export type SpeechRequest = z.infer<typeof SpeechRequest>;

export const JobState = z.enum(['queued', 'running', 'paused', 'done', 'failed', 'cancelled']);
export type JobState = z.infer<typeof JobState>;

const jobFields = {
  id: JobId,
  state: JobState,
  createdAt: z.int(),
  startedAt: z.int().nullable(),
  endedAt: z.int().nullable(),
  /** Items finished and items asked for. */
  done: z.int(),
  total: z.int(),
  /** A sentence for people when `state` is `failed`. */
  error: z.string().nullable(),
  /** Waiting jobs run in the order of this number. */
  place: z.int(),
};
export const ImageJob = z.strictObject({ ...jobFields, kind: z.literal('image'), request: ImageRequest });
export type ImageJob = z.infer<typeof ImageJob>;
export const SpeechJob = z.strictObject({ ...jobFields, kind: z.literal('speech'), request: SpeechRequest });
export type SpeechJob = z.infer<typeof SpeechJob>;
export const Job = z.discriminatedUnion('kind', [ImageJob, SpeechJob]);
export type Job = z.infer<typeof Job>;

export const Theme = z.enum(['system', 'light', 'dark']);
export type Theme = z.infer<typeof Theme>;
/** `remote`: inference servers of the KServe v2 protocol, named by the environment's `RESGEN_REMOTE`. */
export const ProviderName = z.enum(['remote', 'cuda', 'tensorrt', 'coreml', 'dml', 'webgpu', 'cpu']);
export type ProviderName = z.infer<typeof ProviderName>;

export const Settings = z.strictObject({
  theme: Theme,
  /** Write the recipe into saved files. */
  embedRecipe: z.boolean(),
  /** `auto` asks the providers in order and takes the first that passes its probe. */
  provider: z.union([z.literal('auto'), ProviderName]),
  lastModel: z.string().nullable(),
  /** Whether the words of welcome have been read, or the library is older than this start. */
  welcomed: z.boolean(),
});
export type Settings = z.infer<typeof Settings>;
export const DEFAULT_SETTINGS: Settings = { theme: 'system', embedRecipe: true, provider: 'auto', lastModel: null, welcomed: false };

/** Result of asking one provider to run a package's golden input. */
export const ProviderProbe = z.strictObject({
  name: ProviderName,
  state: z.enum(['active', 'usable', 'refused', 'absent']),
  /** Why it is not used, or how it did. */
  reason: z.string(),
  /** Milliseconds of one `step` of the golden input, the best of three; null where it did not run. */
  stepMs: z.number().nullable(),
  maxError: z.number().nullable(),
});
export type ProviderProbe = z.infer<typeof ProviderProbe>;
