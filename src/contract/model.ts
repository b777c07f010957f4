import { z } from 'zod';
import { LIMITS, limitClause, numbers } from './limits.js';
import { Sampling, Schedule } from './sampling.js';

/** The version of the package format that this build reads. A package with a greater number is refused with advice to update. */
export const MODEL_FORMAT = 1;

/** Limits on what a package may declare, so that a hostile manifest can't make the studio allocate without bound. */
export const MODEL_LIMITS = numbers(LIMITS.model);

/** The name of a class, of a package or of a request. */
export const ClassName = z.string().min(1).max(MODEL_LIMITS.className);

export const ModelId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be lower-case letters, digits and dashes, at most 64');

/** A plain file name inside the package folder: no separators, no leading dot. */
export const PackageFileName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/, 'must be a plain file name');

export const PackageFile = z.strictObject({
  path: PackageFileName,
  bytes: z
    .int()
    .min(0)
    .max(MODEL_LIMITS.fileBytes, `is too large: ${limitClause(LIMITS.model.limits.fileBytes)}`),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits'),
});
export type PackageFile = z.infer<typeof PackageFile>;

/**
 * The files a package may have. `step` is what makes it a generator: without it a package can still encode, decode and be inspected, and
 * with nothing but its codebooks it can be inspected as far as that goes without pictures and sounds.
 */
export const PackageFiles = z.strictObject({
  step: PackageFile.optional(),
  decode: PackageFile.optional(),
  encode: PackageFile.optional(),
  text: PackageFile.optional(),
  /** safetensors: `codebooks` float32 or float16 `[D, V, H]`. */
  codebooks: PackageFile,
  /** safetensors: `<graph>.in.<name>` and `<graph>.out.<name>`, recorded from PyTorch when the package was exported. */
  golden: PackageFile.optional(),
  card: PackageFile,
  /** WebP sheet of one square tile a class, row by row, `columns` wide. */
  thumbnails: PackageFile.optional(),
});
export type PackageFiles = z.infer<typeof PackageFiles>;
export type GraphName = 'step' | 'decode' | 'encode' | 'text';

/** Shape of the token array: L positions (for sounds, the most that one may have), D depths, V codes a depth, code width H, K mixture components. */
export const TokenShape = z.strictObject({
  L: z.int().min(1).max(MODEL_LIMITS.positions),
  D: z.int().min(1).max(MODEL_LIMITS.depths),
  V: z.int().min(2).max(MODEL_LIMITS.codes),
  H: z.int().min(1).max(MODEL_LIMITS.width),
  K: z.int().min(1).max(MODEL_LIMITS.components).optional(),
  /** Rows and columns of positions for pictures: rows * columns = L. */
  grid: z.tuple([z.int().min(1), z.int().min(1)]).optional(),
});
export type TokenShape = z.infer<typeof TokenShape>;

export const Preset = z.strictObject({
  id: z.enum(['fast', 'balanced', 'best']),
  sampling: Sampling,
});
export type Preset = z.infer<typeof Preset>;

export const SpeechModel = z.strictObject({
  /** The phones in the order of their numbers in the `text` graph; number 0 is padding, an empty string. */
  phones: z.array(z.string().max(8)).min(2).max(MODEL_LIMITS.phones),
  /** Width W of the encoded text and of the voice. */
  width: z.int().min(1).max(MODEL_LIMITS.width),
  /** Text frames of a position R: each says which phone is heard in its part of the position. */
  framesPerPosition: z.int().min(1).max(64),
  /** Loudness that clips are brought to before they are encoded, in dB of full scale (RMS), and that what is said comes out with. */
  levelDb: z.number().min(-60).max(0),
});
export type SpeechModel = z.infer<typeof SpeechModel>;

/** `model.json`. */
export const Manifest = z
  .strictObject({
    format: z.literal(MODEL_FORMAT),
    id: ModelId,
    version: z.string().regex(/^\d+\.\d+\.\d+$/, 'must be three numbers, like 1.0.0'),
    kind: z.enum(['image', 'speech']),
    title: z.string().min(1).max(80),
    description: z.string().max(500),
    licence: z.string().min(1).max(200),
    tokens: TokenShape,
    schedule: Schedule.default('circle'),
    /** sigma_j: spread of the residual at each depth, measured on training data when the tokenizer was trained. Generators have it. */
    sigma: z.array(z.number().positive()).min(1).max(MODEL_LIMITS.depths).optional(),
    classes: z.array(ClassName).max(MODEL_LIMITS.classes).default([]),
    /**
     * The pictures of a class came from a film in order, and the step graph takes the place on it as `view`: which side of the thing is seen.
     * Where nobody asks for one, the seed draws it.
     */
    views: z.boolean().optional(),
    image: z.strictObject({ size: z.int().min(1).max(MODEL_LIMITS.pictureSize) }).optional(),
    /** Mono sound: samples a second, and how many of them one position stands for. */
    sound: z
      .strictObject({
        sampleRate: z.int().min(1000).max(MODEL_LIMITS.sampleRate),
        samplesPerPosition: z.int().min(1).max(MODEL_LIMITS.sampleRate),
      })
      .optional(),
    /** What the `text` and `step` graphs of a package that speaks take and give. */
    speech: SpeechModel.optional(),
    thumbnails: z.strictObject({ columns: z.int().min(1), tile: z.int().min(1).max(512) }).optional(),
    presets: z.array(Preset).default([]),
    defaultPreset: z.enum(['fast', 'balanced', 'best']).default('balanced'),
    files: PackageFiles,
  })
  .superRefine((m, context) => {
    const fail = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (m.sigma && m.sigma.length !== m.tokens.D) fail('sigma', `must have one entry a depth (${m.tokens.D})`);
    if (m.tokens.grid && m.tokens.grid[0] * m.tokens.grid[1] !== m.tokens.L) fail('tokens', 'grid must multiply to L');
    if (m.kind === 'image' && (!m.image || !m.tokens.grid)) fail('image', 'is needed, with tokens.grid, for a package of kind "image"');
    if (m.kind === 'speech' && !m.sound) fail('sound', 'is needed for a package of kind "speech"');
    if (new Set(m.classes).size !== m.classes.length) fail('classes', 'must be different from each other');
    if (m.files.step && (!m.tokens.K || !m.sigma || !m.files.decode || m.presets.length === 0)) {
      fail('files', 'a package with a step graph needs a decode graph, tokens.K, sigma and presets');
    }
    if (m.files.step && m.kind === 'image' && m.classes.length === 0) fail('classes', 'are needed for a package that makes pictures');
    if (m.files.step && m.kind === 'speech' && !(m.speech && m.files.text && m.files.encode)) {
      fail('files', 'a package that speaks needs a text graph, an encode graph and speech');
    }
    if (m.files.decode && !m.files.golden) fail('files', 'a package with a decode graph needs a golden file to test it by');
    if (m.presets.length > 0 && !m.presets.some((p) => p.id === m.defaultPreset)) fail('defaultPreset', 'must be one of the presets');
  });
export type Manifest = z.infer<typeof Manifest>;

/** Name of the preset that these settings are, '' for none. A view is no part of one: it says what is shown and not how well. */
export function presetName({ presets }: Manifest, sampling: Sampling | undefined): string {
  const same = (preset: Sampling): boolean =>
    sampling !== undefined &&
    [...new Set([...Object.keys(preset), ...Object.keys(sampling)])].every(
      (knob) => knob === 'view' || preset[knob as keyof Sampling] === sampling[knob as keyof Sampling],
    );
  return presets.find((preset) => same(preset.sampling))?.id ?? '';
}

/** What the studio lists. A package that can't be used is listed too, with the sentence that says why. */
export const ModelSummary = z.strictObject({
  id: z.string(),
  folder: z.string(),
  problem: z.string().nullable(),
  manifest: Manifest.nullable(),
});
export type ModelSummary = z.infer<typeof ModelSummary>;
