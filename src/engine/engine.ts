import { StudioError } from '../contract/errors.js';
import type { Manifest } from '../contract/model.js';
import type { ProviderName, ProviderProbe } from '../contract/records.js';
import type { Sampling } from '../contract/sampling.js';
import { type GraphBorder, type RunnableGraph, graphBorders } from './borders.js';
import { type ModelPackage, borrowPackageFile, checkPackageFile, openPackage, packageFileNames, readPackageFile } from './package.js';
import { type Attempt, type GoldenCases, type Sessions, chooseProvider, goldenCase, measure, releaseSessions } from './probe.js';
import { providerFailure } from './provider-failure.js';
import { remoteAddresses } from './remote/addresses.js';
import { RemoteGraph, remoteModelName } from './remote/remote-graph.js';
import { Replicas } from './remote/replicas.js';
import { readSafetensors } from './safetensors.js';
import { type Sample, type SampleItem, type SampleOptions, type StepFunction, sample, split } from './sampler.js';
import { GraphSession, type Tensors, listedProviders } from './session.js';

export interface LoadOptions {
  provider?: 'auto' | ProviderName;
  probeAll?: boolean;
  /** CPU threads of one operator; onnxruntime's choice where left out. */
  threads?: number | undefined;
  /** Addresses of inference servers, with commas between them: asked first where there are any. */
  remote?: string | undefined;
}

export interface GenerateOptions {
  onStep?: SampleOptions['onStep'];
  /** Decode a preview at most once in this many milliseconds; null for none. */
  previewEveryMs?: number | null;
  signal?: AbortSignal;
}

/** A sample with its picture: RGB pixels `[S, S, 3]`. */
export interface Picture extends Sample {
  pixels: Uint8Array;
}

/** One loaded model package on the provider that passed its probe. `dispose` it when done: sessions live outside the garbage collector. */
export class Engine {
  private encoder: GraphSession | null = null;

  private constructor(
    readonly pack: ModelPackage,
    readonly provider: ProviderName,
    readonly probes: readonly ProviderProbe[],
    private readonly sessions: Sessions,
    private readonly threads: number | undefined,
  ) {}

  /**
   * Verifies every file of the package in `folder`, then makes its sessions on the provider asked for.
   * @throws StudioError `bad-model` for a package that can't be used, `refused` when no provider passes
   */
  static async load(folder: string, { provider = 'auto', probeAll = false, threads, remote = '' }: LoadOptions = {}): Promise<Engine> {
    const servers = remoteAddresses(remote);
    const pack = await openPackage(folder);
    const { id, files } = pack.manifest;
    if (!files.decode) {
      throw new StudioError('bad-request', `The model "${id}" is only codebooks: there is nothing in it to run. Inspect tokens with it.`);
    }
    const borders = graphBorders(pack.manifest);
    const cases = await readGolden(pack, borders);
    for (const name of packageFileNames(pack.manifest)) {
      // The others are checked as they are read.
      if (name !== 'decode' && name !== 'step' && name !== 'golden') await checkPackageFile(pack, name);
    }
    const decodeFile = await borrowPackageFile(pack, 'decode');
    const stepFile = files.step ? await borrowPackageFile(pack, 'step') : null;

    const localSessions = async (name: ProviderName): Promise<Sessions> => {
      const options = { provider: name, threads };
      const decode = await createSession(pack, decodeFile.bytes, 'decode', borders.decode, options);
      return { step: stepFile && (await createSession(pack, stepFile.bytes, 'step', borders.step, options)), decode };
    };
    const attempt = async (name: ProviderName): Promise<Attempt> => {
      let sessions: Sessions;
      try {
        sessions = name === 'remote' ? await remoteSessions(servers, pack.manifest, borders) : await localSessions(name);
      } catch (error) {
        if (name === 'remote' && error instanceof StudioError) return { sessions: null, measurement: null, problem: error.message };
        // A graph that contradicts its manifest is no provider's fault.
        if (error instanceof StudioError) throw error;
        return { sessions: null, measurement: null, problem: providerFailure(error) };
      }
      try {
        const measurement = await measure(sessions, cases);
        if (measurement.wrong === null) return { sessions, measurement, problem: null };
        await releaseSessions(sessions);
        return { sessions: null, measurement, problem: `Gave wrong results: ${measurement.wrong}.` };
      } catch (error) {
        await releaseSessions(sessions);
        return { sessions: null, measurement: null, problem: providerFailure(error) };
      }
    };
    try {
      const listed = [...(servers.length > 0 ? (['remote'] as const) : []), ...listedProviders()];
      const choice = await chooseProvider({ wanted: provider, probeAll, listed, attempt });
      return new Engine(pack, choice.provider, choice.probes, choice.sessions, threads);
    } finally {
      decodeFile.release();
      stepFile?.release();
    }
  }

  /**
   * Samples a batch of pictures together and decodes them.
   * @throws StudioError `bad-request` for a class the model doesn't have, `cancelled` when the signal ends it
   */
  async generate(items: readonly SampleItem[], sampling: Sampling, options: GenerateOptions = {}): Promise<Picture[]> {
    const { manifest } = this.pack;
    const { L, D } = manifest.tokens;
    const unknown = items.find((item) => item.condition >= manifest.classes.length);
    if (unknown) {
      throw new StudioError(
        'bad-request',
        `The model has no class number ${unknown.condition}: it has ${manifest.classes.length}. Pick one of its classes.`,
      );
    }
    const samples = await sample(this.stepFunction(), manifest.tokens, items, sampling, {
      ...(options.onStep ? { onStep: options.onStep } : {}),
      ...(options.signal ? { signal: options.signal } : {}),
      ...(options.previewEveryMs ? { preview: { everyMs: options.previewEveryMs, decode: this.decodeBatch } } : {}),
    });
    const B = items.length;
    const tokens = new Int32Array(B * L * D);
    samples.forEach((one, b) => tokens.set(one.tokens, b * L * D));
    const pixels = split(await this.decodeBatch(B, tokens, new Int32Array(B * L).fill(D)), B);
    return samples.map((one, b) => ({ ...one, pixels: pixels[b] ?? new Uint8Array() }));
  }

  /** RGB pixels `[S, S, 3]` of tokens `[L * D]` summed over their first `depth` depths. */
  async decode(tokens: Int32Array, depth: number): Promise<Uint8Array> {
    const { L, D } = this.pack.manifest.tokens;
    this.checkTokens(tokens, L);
    return this.decodeBatch(1, tokens, new Int32Array(L).fill(Math.min(depth, D)));
  }

  /** Tokens `[L * D]` of RGB pixels `[S, S, 3]`, and the mean square of what is left after each depth, `[L * D]`. */
  async encode(pixels: Uint8Array): Promise<{ tokens: Int32Array; residual: Float32Array }> {
    const { id, image, files } = this.pack.manifest;
    if (!files.encode || !image)
      throw new StudioError('bad-request', `The model "${id}" can't take pictures in: its package has no encoder.`);
    if (pixels.length !== image.size * image.size * 3) {
      throw new StudioError('bad-request', `The model "${id}" takes RGB pictures of ${image.size} by ${image.size} pixels.`);
    }
    this.encoder ??= await this.createEncoder();
    const { tokens, residual } = await this.encoder.run({ B: 1 }, { pixels });
    return { tokens: int32(tokens), residual: float32(residual) };
  }

  /** Tokens `[L * D]` of mono samples `[N]` with L = N / samplesPerPosition, and the mean square of what is left after each depth. */
  async encodeSound(samples: Float32Array): Promise<{ tokens: Int32Array; residual: Float32Array }> {
    const { id, sound, files, tokens: shape } = this.pack.manifest;
    if (!files.encode || !sound)
      throw new StudioError('bad-request', `The model "${id}" can't take sounds in: it has no encoder for them. Choose another model.`);
    const L = samples.length / sound.samplesPerPosition;
    if (!Number.isInteger(L) || L < 1 || L > shape.L) {
      const seconds = (shape.L * sound.samplesPerPosition) / sound.sampleRate;
      throw new StudioError('bad-request', `The model "${id}" takes sounds of up to ${seconds.toFixed(1)} seconds. Choose a shorter one.`);
    }
    this.encoder ??= await this.createEncoder();
    const { tokens, residual } = await this.encoder.run({ B: 1, L, N: samples.length }, { samples });
    return { tokens: int32(tokens), residual: float32(residual) };
  }

  /**
   * B views of tokens `[B * L * D]`, of which position i of view b sums its first `depth[b * L + i]`: RGB pixels `[S, S, 3]` each, or mono
   * samples `[L * samplesPerPosition]`. L is the model's for pictures, and for sounds whatever these have.
   */
  async decodeViews(B: number, tokens: Int32Array, depth: Int32Array): Promise<(Uint8Array | Float32Array)[]> {
    const { sound } = this.pack.manifest;
    const L = depth.length / B;
    for (let b = 0; b < B; b++) this.checkTokens(tokens.subarray((b * tokens.length) / B, ((b + 1) * tokens.length) / B), L);
    const D = tokens.length / depth.length;
    if (depth.some((d) => d < 0 || d > D)) throw new StudioError('bad-request', `Choose depths from 0 to ${D}.`);
    if (!sound) return split(await this.decodeBatch(B, tokens, depth), B);
    const { samples } = await this.sessions.decode.run({ B, L, N: L * sound.samplesPerPosition }, { tokens, depth });
    return split(float32(samples), B);
  }

  /** The `step` graph as the sampler calls it. @throws StudioError `bad-request` when the package has none */
  stepFunction(): StepFunction {
    const { step } = this.sessions;
    if (!step)
      throw new StudioError(
        'bad-request',
        `The model "${this.pack.manifest.id}" is a tokenizer only: it can't generate. Choose another model.`,
      );
    return async ({ B, guidance, topP, noiseScale, ...arrays }) => {
      const each = (value: number) => new Float32Array(B).fill(value);
      const { proposed, confidence } = await step.run(
        { B },
        {
          ...arrays,
          guidance: each(guidance),
          top_p: each(topP),
          noise_scale: each(noiseScale),
        },
      );
      return { proposed: int32(proposed), confidence: float32(confidence) };
    };
  }

  async dispose(): Promise<void> {
    await releaseSessions(this.sessions);
    await this.encoder?.release();
    this.encoder = null;
  }

  /** A sound may have fewer positions than the model's L, a picture has as many. */
  private checkTokens(tokens: Int32Array, L: number): void {
    const { sound, tokens: shape } = this.pack.manifest;
    const { D, V } = shape;
    const fits = sound ? L >= 1 && L <= shape.L : L === shape.L;
    if (fits && tokens.length === L * D && tokens.every((code) => code >= 0 && code < V)) return;
    throw new StudioError(
      'bad-request',
      `These tokens are not of this model: it has ${shape.L} positions of ${D} tokens with codes 0 to ${V - 1}.`,
    );
  }

  private readonly decodeBatch = async (B: number, tokens: Int32Array, depth: Int32Array): Promise<Uint8Array> => {
    const { pixels } = await this.sessions.decode.run({ B }, { tokens, depth });
    return uint8(pixels);
  };

  /** Made at first use, as most sessions never encode; on the CPU, because one picture does not repay a probe of its own. */
  private async createEncoder(): Promise<GraphSession> {
    const { pack, threads } = this;
    const file = await borrowPackageFile(pack, 'encode');
    try {
      return await createSession(pack, file.bytes, 'encode', graphBorders(pack.manifest).encode, { provider: 'cpu', threads });
    } finally {
      file.release();
    }
  }
}

async function remoteSessions(
  addresses: readonly string[],
  { id, files }: Manifest,
  borders: Record<RunnableGraph, GraphBorder>,
): Promise<Sessions> {
  const replicas = new Replicas(addresses);
  try {
    const decode = await RemoteGraph.create(replicas, remoteModelName(id, 'decode'), borders.decode);
    return { step: files.step ? await RemoteGraph.create(replicas, remoteModelName(id, 'step'), borders.step) : null, decode };
  } catch (error) {
    replicas.close();
    throw error;
  }
}

async function readGolden(pack: ModelPackage, borders: Record<RunnableGraph, GraphBorder>): Promise<GoldenCases> {
  const { id, files } = pack.manifest;
  const bytes = await readPackageFile(pack, 'golden');
  try {
    const golden = readSafetensors(bytes);
    const step = files.step ? goldenCase(golden, 'step', borders.step) : null;
    return { step, decode: goldenCase(golden, 'decode', borders.decode) };
  } catch (error) {
    if (!(error instanceof StudioError)) throw error;
    throw notUsable(id, `${files.golden?.path ?? 'its golden file'} ${error.message}`, error);
  }
}

async function createSession(
  pack: ModelPackage,
  bytes: Uint8Array,
  graph: RunnableGraph,
  border: GraphBorder,
  options: { provider: ProviderName; threads: number | undefined },
): Promise<GraphSession> {
  try {
    return await GraphSession.create(bytes, border, options);
  } catch (error) {
    if (!(error instanceof StudioError)) throw error;
    throw notUsable(pack.manifest.id, `its ${graph} graph ${error.message}`, error);
  }
}

function notUsable(id: string, problem: string, cause: unknown): StudioError {
  return new StudioError('bad-model', `The model package "${id}" can't be used: ${problem}. Install the package again.`, { cause });
}

// The session's types were checked against the border when it was made; these only say so to the compiler.
function int32(data: Tensors[string] | undefined): Int32Array {
  if (!(data instanceof Int32Array)) throw new TypeError('expected int32');
  return data;
}
function float32(data: Tensors[string] | undefined): Float32Array {
  if (!(data instanceof Float32Array)) throw new TypeError('expected float32');
  return data;
}
function uint8(data: Tensors[string] | undefined): Uint8Array {
  if (!(data instanceof Uint8Array)) throw new TypeError('expected uint8');
  return data;
}
