import { z } from 'zod';
import { WireError } from './errors.js';
import { ProviderName, ProviderProbe } from './records.js';
import { Sampling, Seed } from './sampling.js';

/**
 * Messages between the studio and the engine process. Typed arrays cross by structured clone (Electron's utilityProcess, and
 * child_process with `serialization: 'advanced'`). Token arrays are flat, row-major `[L, D]`.
 */

const Int32 = z.instanceof(Int32Array);
const Float32 = z.instanceof(Float32Array);
const Bytes = z.instanceof(Uint8Array);

export const GenerateOne = z.strictObject({
  /** Index into the manifest's classes. */
  classIndex: z.int().min(0),
  seed: Seed,
  /** Tokens to keep: `tokens [L * D]` with the deepest `k[i]` of position i masked. All masked where absent. */
  fixed: z.strictObject({ tokens: Int32, k: Int32 }).optional(),
});
export type GenerateOne = z.infer<typeof GenerateOne>;

export const EngineRequest = z.discriminatedUnion('type', [
  /** Loads and verifies a package, probes providers in order, keeps the first that passes. `probeAll` goes on to time the others. */
  z.strictObject({
    type: z.literal('load'),
    id: z.int(),
    folder: z.string(),
    provider: z.union([z.literal('auto'), ProviderName]),
    probeAll: z.boolean(),
  }),
  /** Samples a batch together with the loaded package. */
  z.strictObject({
    type: z.literal('generate'),
    id: z.int(),
    items: z.array(GenerateOne).min(1).max(64),
    sampling: Sampling,
    /** At least this many milliseconds between two decoded previews; null for none. */
    previewEveryMs: z.number().min(100).nullable(),
  }),
  /** Asks the `text` graph: how long each phone lasts, with the clip of the voice before it. */
  z.strictObject({
    type: z.literal('durations'),
    id: z.int(),
    phones: z.array(z.int().min(1)).min(1),
    speed: z.number(),
    prompt: Int32,
  }),
  /**
   * Samples one sentence. Its length is that of its phones; an item to edit comes with `fixed`, as long as it was. Answers `spoken`, with
   * `step` messages before it.
   */
  z.strictObject({
    type: z.literal('speak'),
    id: z.int(),
    phones: z.array(z.int().min(1)).min(1),
    /** Milliseconds of each. */
    ms: z.array(z.number().min(0)).min(1),
    speed: z.number(),
    /** The encoded clip of the voice, `[Q * D]`. */
    prompt: Int32,
    seed: Seed,
    sampling: Sampling,
    fixed: GenerateOne.shape.fixed,
  }),
  z.strictObject({ type: z.literal('decode'), id: z.int(), tokens: Int32, depth: z.int().min(1) }),
  /** B views together: tokens `[B * L * D]`, and `depth [B * L]`, how many of the first depths of each position are summed. */
  z.strictObject({ type: z.literal('decodeViews'), id: z.int(), B: z.int().min(1).max(256), tokens: Int32, depth: Int32 }),
  /** Square RGB pixels, `size * size * 3` bytes at the package's size. */
  z.strictObject({ type: z.literal('encode'), id: z.int(), pixels: Bytes }),
  /** Mono samples in -1..1 at the package's rate, whole positions of them. */
  z.strictObject({ type: z.literal('encodeSound'), id: z.int(), samples: Float32 }),
  /**
   * Whose voice is heard where in a sound (as of `encodeSound`), as the speaking package in `folder` has it, which need not be the loaded one and
   * does not become so. Answers with the vector of each window of so many positions, one every `hop` of them.
   */
  z.strictObject({
    type: z.literal('voiceVectors'),
    id: z.int(),
    folder: z.string(),
    samples: Float32,
    window: z.int().min(1),
    hop: z.int().min(1),
  }),
  /** Ends the `generate` or `speak` of that id between two steps; it then answers with an error of code `cancelled`. */
  z.strictObject({ type: z.literal('cancel'), id: z.int() }),
]);
export type EngineRequest = z.infer<typeof EngineRequest>;

export const EngineReply = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready') }),
  z.strictObject({ type: z.literal('loaded'), id: z.int(), provider: ProviderName, probes: z.array(ProviderProbe), loadMs: z.number() }),
  z.strictObject({
    type: z.literal('step'),
    id: z.int(),
    step: z.int(),
    steps: z.int(),
    /** Masked depths of every position, `[L]` for each picture of the batch. */
    k: z.array(Bytes),
    masked: z.int(),
    /** RGB pixels of each picture, empty when this step has no preview. */
    previews: z.array(Bytes),
  }),
  z.strictObject({
    type: z.literal('generated'),
    id: z.int(),
    ms: z.number(),
    results: z.array(
      z.strictObject({
        tokens: Int32,
        pixels: Bytes,
        /** Step (1..T) at which each token was revealed, `[L * D]`; 0 for tokens that were given. */
        revealedAt: Bytes,
        /** Its score when it was revealed. */
        confidence: Float32,
      }),
    ),
  }),
  z.strictObject({ type: z.literal('durations'), id: z.int(), ms: z.array(z.number()) }),
  /** As `generated`, of one sentence: L follows from its phones, and the sound is mono at the package's rate, `[L * samplesPerPosition]`. */
  z.strictObject({
    type: z.literal('spoken'),
    id: z.int(),
    engineMs: z.number(),
    tokens: Int32,
    samples: Float32,
    revealedAt: Bytes,
    confidence: Float32,
    /** Of the candidate that was kept. */
    seed: Seed,
  }),
  z.strictObject({ type: z.literal('decoded'), id: z.int(), pixels: Bytes }),
  /** RGB pixels of each view, or its mono samples. */
  z.strictObject({ type: z.literal('decodedViews'), id: z.int(), frames: z.array(z.union([Bytes, Float32])) }),
  /** `residual [L * D]`: mean square of what is left after each depth. */
  z.strictObject({ type: z.literal('encoded'), id: z.int(), tokens: Int32, residual: Float32 }),
  /** `[W]` of each window. */
  z.strictObject({ type: z.literal('voiceVectors'), id: z.int(), vectors: z.array(Float32) }),
  z.strictObject({ type: z.literal('error'), id: z.int(), error: WireError }),
]);
export type EngineReply = z.infer<typeof EngineReply>;

/** Characters of an engine process's stderr that are worth keeping: enough for the last words of a crash. */
export const LAST_WORDS = 4096;

/** One engine process, whatever started it: Electron's utilityProcess or Node's child_process. */
export interface EngineProcess {
  post(request: EngineRequest): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Called once, when the process is gone; `reason` is a short phrase such as "signal SIGKILL" or "code 1". */
  onExit(listener: (reason: string) => void): void;
  kill(): void;
  readonly pid: number | undefined;
  /** The end of what it wrote on stderr, for the report of a crash. */
  lastWords(): string;
  /** Bytes of memory that it takes, or null where the host can't tell. */
  residentBytes(): number | null;
}
export type SpawnEngine = () => EngineProcess;
