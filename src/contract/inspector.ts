import { z } from 'zod';
import { ExportedFile, FileName, Upload } from './files.js';
import { EditRunId, ItemId } from './ids.js';
import { ItemFilter, LIBRARY_LIMITS } from './library.js';
import { LIMITS, numbers } from './limits.js';
import { MODEL_LIMITS } from './model.js';
import { Edit, Item } from './records.js';
import { Sampling, Seed } from './sampling.js';

/**
 * Calls of the token inspector. Positions count from 0, depths from 1 as in the paper; arrays are flat and row-major `[L, D]`, and travel
 * as their little-endian bytes, because typed arrays have no form of their own in a browser's JSON.
 */

const Bytes = z.instanceof(Uint8Array);
const Depth = z.int().min(1).max(MODEL_LIMITS.depths);
const Code = z.int().min(0).max(MODEL_LIMITS.codes);
const Model = z.string();

export const INSPECTOR_LIMITS = numbers(LIMITS.inspector);

/** Which items of a model, always outside the trash: with null all of them, these, or those that a search and a filter of the library find. */
export const ItemSet = z.union([
  z.null(),
  z.strictObject({ ids: z.array(ItemId).max(INSPECTOR_LIMITS.comparedItems) }),
  z.strictObject({ search: z.string().max(LIBRARY_LIMITS.search), filter: ItemFilter.omit({ place: true, model: true }).prefault({}) }),
]);
export type ItemSet = z.infer<typeof ItemSet>;

/** The tokens of one item and everything a grid of them is coloured by. */
export const TokenSheet = z.strictObject({
  item: Item,
  L: z.int(),
  D: z.int(),
  V: z.int(),
  H: z.int(),
  /** Rows and columns of positions, for pictures. */
  grid: z.tuple([z.int(), z.int()]).nullable(),
  /** How long a position is, for sounds. */
  secondsPerPosition: z.number().nullable(),
  /** int32 [L, D] */
  codes: Bytes,
  /** uint8 [L, D]: step (1..steps) at which each token was revealed, 0 for tokens that were given. Null where no generator made them. */
  revealedAt: Bytes.nullable(),
  /** float32 [L, D]: score of each token when it was revealed; of those that were given the one they had before, NaN where they had none. */
  confidence: Bytes.nullable(),
  /** float32 [L, D]: length of each token's embedding. */
  norm: Bytes,
  /** float32 [L, D]: mean square over H of what the deeper depths still add, 0 at the last. */
  residual: Bytes,
  /** float32 [L, D]: share of this code among the tokens of its depth, over the newest of the model's items. */
  frequency: Bytes,
  /** What can't be done with this item: a sentence that says why, null where it can. */
  cannot: z.strictObject({ decode: z.string().nullable(), resample: z.string().nullable() }),
});
export type TokenSheet = z.infer<typeof TokenSheet>;

/** One way to look at an item: some of its tokens, decoded. */
export const TokenView = z.union([
  /** The sum of the first `depth` depths; 0 is no token at all. */
  z.strictObject({ depth: z.int().min(0).max(MODEL_LIMITS.depths) }),
  /** The tokens revealed up to that step of its generation. */
  z.strictObject({ step: z.int().min(0).max(255) }),
  /** uint8 [L]: how many depths of each position. */
  z.strictObject({ depths: Bytes }),
  /** What the depths after the first `from` up to `to` add: for pictures around mid-grey, at half its size. */
  z.strictObject({ from: z.int().min(0).max(MODEL_LIMITS.depths), to: Depth }),
]);
export type TokenView = z.infer<typeof TokenView>;

export const Replay = z.strictObject({
  steps: z.int(),
  /** Tokens that were given, not generated. */
  given: z.int(),
  /** Tokens masked after step 0..steps. */
  masked: z.array(z.int()),
  /** What the schedule asked for at the same steps. */
  scheduled: z.array(z.int()),
});
export type Replay = z.infer<typeof Replay>;

/** How a set of items uses the codebook of one depth. */
export const DepthUsage = z.strictObject({
  depth: Depth,
  used: z.int(),
  /** V less `used`. */
  dead: z.int(),
  /** 2 to the power of the entropy: V where all codes are equally frequent, 1 where there is only one. */
  perplexity: z.number(),
  entropyBits: z.number(),
  /** Mean square over H of this depth's embeddings, as a share of all depths' together. */
  energy: z.number(),
});
export type DepthUsage = z.infer<typeof DepthUsage>;

export const Comparison = z.strictObject({
  /** Of `a`, as are the arrays. */
  L: z.int(),
  D: z.int(),
  /** uint8 [L, D]: 1 where the codes are different. */
  differs: Bytes,
  /** float32 [L, D]: mean square over H of the difference of the sums up to each depth. */
  distance: Bytes,
  /** Positions with another code, of each depth. */
  perDepth: z.array(z.int()),
  /**
   * Of sounds that do not run side by side: which position of `b` each of `a` is held against, int32 [L]; how many `b` has; and whether that is
   * by the phones that both say or by how alike their tokens sound. Null where each is held against its like.
   */
  aligned: z.strictObject({ by: z.enum(['phones', 'tokens']), positions: Bytes, L: z.int() }).nullable(),
});
export type Comparison = z.infer<typeof Comparison>;

export const inspectorCalls = {
  'tokens.get': { params: z.strictObject({ id: ItemId }), result: TokenSheet },
  /** Each view decoded, in order: PNG pictures or WAV sounds. Kept for a while, so that asking again costs nothing. */
  'tokens.decode': {
    params: z.strictObject({ id: ItemId, views: z.array(TokenView).min(1).max(INSPECTOR_LIMITS.views) }),
    result: z.strictObject({ contentType: z.enum(['image/png', 'audio/wav']), frames: z.array(Bytes) }),
  },
  /** How the masking went. Refused for items that no generator made. */
  'tokens.replay': { params: z.strictObject({ id: ItemId }), result: Replay },
  /** Two items of one model; sounds may be of two lengths. */
  'tokens.compare': { params: z.strictObject({ a: ItemId, b: ItemId }), result: Comparison },
  /**
   * Makes a new item; `items.remove` of it is the undo. What is resampled follows `sampling` and `className`, the item's own (or the
   * model's default preset) where they are left out. With a `run` it tells of its steps by the event `edit`, and can be stopped.
   */
  'tokens.edit': {
    params: z.strictObject({
      id: ItemId,
      edit: Edit,
      seed: Seed.default(0),
      sampling: Sampling.optional(),
      className: z.string().min(1).max(80).optional(),
      run: EditRunId.optional(),
    }),
    result: Item,
  },
  /** Ends an edit at once; it then answers with an error of code `cancelled` and has made nothing. One that has ended stays as it is. */
  'tokens.cancel': { params: z.strictObject({ run: EditRunId }), result: z.null() },
  /** A token file (.safetensors, .npy) as an item. `model` is for files that do not name theirs. */
  'tokens.import': { params: z.strictObject({ name: FileName, bytes: Upload, model: Model.nullable() }), result: Item },
  /**
   * The tokens; the strip of all depths, as a PNG or, of a sound, as one WAV; or the unmasking: of pictures as an animation, WebP or GIF, of
   * sounds (`steps`) as one WAV of its steps one after another, at most `INSPECTOR_LIMITS.heardSteps` of them evenly spread. What can hold the
   * recipe does, unless settings say otherwise or `recipe` is false.
   */
  'tokens.export': {
    params: z.strictObject({
      id: ItemId,
      format: z.enum(['safetensors', 'npy', 'csv', 'strip', 'webp', 'gif', 'steps']),
      recipe: z.boolean().default(true),
    }),
    result: ExportedFile,
  },

  'codebook.usage': {
    params: z.strictObject({ model: Model, of: ItemSet }),
    result: z.strictObject({
      items: z.int(),
      /** Items whose tokens are damaged, or of a version of the model with another shape. */
      leftOut: z.int(),
      positions: z.int(),
      depths: z.array(DepthUsage),
      /** int32 [D, V]: how often each code occurs. */
      counts: Bytes,
    }),
  },
  /** The codes of a depth on the plane of their two principal components. */
  'codebook.map': {
    params: z.strictObject({ model: Model, depth: Depth }),
    result: z.strictObject({
      /** float32 [V, 2] */
      points: Bytes,
      /** float32 [V] */
      norm: Bytes,
      /** Shares of the variance along the two axes. */
      explained: z.tuple([z.number(), z.number()]),
    }),
  },
  /** The codes nearest to one of a depth, by the length of the difference of their embeddings. */
  'codebook.nearest': {
    params: z.strictObject({ model: Model, depth: Depth, code: Code, count: z.int().min(1).max(INSPECTOR_LIMITS.nearest).default(5) }),
    result: z.array(z.strictObject({ code: Code, distance: z.number() })),
  },
  /**
   * What codes look or sound like: each put at one depth of every position and decoded up to that depth, over the coarser depths of the
   * item `base`, or over codes next to nothing where that is null.
   */
  'codebook.look': {
    params: z.strictObject({
      model: Model,
      depth: Depth,
      codes: z.array(Code).min(1).max(INSPECTOR_LIMITS.looks),
      base: ItemId.nullable(),
    }),
    result: z.strictObject({ contentType: z.enum(['image/png', 'audio/wav']), frames: z.array(Bytes) }),
  },
  /**
   * Items of a set with this code at this depth, newest first, a page at a time: `before` is the last of the page before. `positions` are
   * those that have it, `total` is how many such items there are on all pages.
   */
  'codebook.items': {
    params: z.strictObject({
      model: Model,
      depth: Depth,
      code: Code,
      of: ItemSet.default(null),
      before: ItemId.nullable().default(null),
      limit: z.int().min(1).max(INSPECTOR_LIMITS.found).default(60),
    }),
    result: z.strictObject({ total: z.int(), found: z.array(z.strictObject({ item: Item, positions: z.array(z.int()) })) }),
  },
} as const satisfies Record<string, { params: z.ZodType; result: z.ZodType }>;
