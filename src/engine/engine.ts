import { StudioError } from '../contract/errors.js';
import { LIMITS } from '../contract/limits.js';
import type { Manifest, SpeechModel } from '../contract/model.js';
import type { ProviderName, ProviderProbe } from '../contract/records.js';
import type { Sampling } from '../contract/sampling.js';
import { type GraphBorder, type RunnableGraph, graphBorders } from './borders.js';
import { LaterSessions, createSession, notUsable } from './later-sessions.js';
import { encodeSound, voicesOf } from './listen.js';
import { type ModelPackage, borrowPackageFile, checkPackageFile, openPackage, packageFileNames, readPackageFile } from './package.js';
import { type Attempt, type GoldenCases, type Sessions, chooseProvider, goldenCase, measure, releaseSessions } from './probe.js';
import { providerFailure } from './provider-failure.js';
import { remoteAddresses } from './remote/addresses.js';
import { RemoteGraph, remoteModelName } from './remote/remote-graph.js';
import { Replicas } from './remote/replicas.js';
import { readSafetensors } from './safetensors.js';
import { type Sample, type SampleItem, type SampleOptions, type StepFunction, sample, split } from './sampler.js';
import { type Sizes, type Tensors, float32, int32, listedProviders, uint8 } from './session.js';
import {
  LEAST_PHONES,
  LEAST_PROMPT,
  type SpeechCondition,
  candidateSeed,
  guidanceBranches,
  likeness,
  positionsOf,
  textFrames,
} from './speech.js';

export interface LoadOptions {
  provider?: 'auto' | ProviderName;
  probeAll?: boolean;
  /** CPU threads of one operator; onnxruntime's choice where left out. */
  threads?: number | undefined;
  /** Addresses of inference servers, with commas between them: asked first where there are any. */
  remote?: string | undefined;
}

export interface GenerateOptions extends Omit<SampleOptions, 'preview'> {
  /** Decode a preview at most once in this many milliseconds; null for none. */
  previewEveryMs?: number | null;
}

/** A sample with its picture: RGB pixels `[S, S, 3]`. */
export interface Picture extends Sample {
  pixels: Uint8Array;
}

/** A sentence to say: phones by their numbers, each with its length, in the voice of an encoded clip `[Q * D]`. */
export interface SpeakItem {
  phones: readonly number[];
  ms: readonly number[];
  speed: number;
  prompt: Int32Array;
  seed: number;
  /** As in `SampleItem`, of the sentence alone. */
  fixed?: SampleItem['fixed'];
}

/** A sample of a sentence, without the clip in front of it, and its mono sound `[L * samplesPerPosition]`. */
export interface Spoken extends Sample {
  samples: Float32Array;
  /** Of the candidate that was kept; the sentence's own where there was one only. */
  seed: number;
}

/** One loaded model package on the provider that passed its probe. `dispose` it when done: sessions live outside the garbage collector. */
export class Engine {
  /** Of what runs once a picture or a sentence. */
  readonly later: LaterSessions;

  private constructor(
    readonly pack: ModelPackage,
    readonly provider: ProviderName,
    readonly probes: readonly ProviderProbe[],
    private readonly sessions: Sessions,
    threads: number | undefined,
  ) {
    this.later = new LaterSessions(pack, threads);
  }

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
    const { previewEveryMs, ...others } = options;
    const samples = await sample(this.stepFunction(), manifest.tokens, items, sampling, {
      ...others,
      ...(previewEveryMs ? { preview: { everyMs: previewEveryMs, decode: this.decodeBatch } } : {}),
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
    const encoder = await this.later.get('encode');
    const { tokens, residual } = await encoder.run({ B: 1 }, { pixels });
    return { tokens: int32(tokens), residual: float32(residual) };
  }

  /** Tokens `[L * D]` of mono samples `[N]` with L = N / samplesPerPosition, and the mean square of what is left after each depth. */
  encodeSound(samples: Float32Array): Promise<{ tokens: Int32Array; residual: Float32Array }> {
    return encodeSound(this.later, samples);
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

  /** How long each phone lasts, in milliseconds. @throws StudioError `bad-request` as `speak` */
  async durations(phones: readonly number[], speed: number, prompt: Int32Array): Promise<number[]> {
    this.checkSpoken(phones, prompt);
    const { ms } = await this.encodeText(phones, speed, prompt);
    return [...float32(ms)];
  }

  /**
   * Samples one sentence, or the best of several candidates, and decodes it. What is reported of each step is of the sentence alone, and steps
   * are counted over all candidates.
   * @throws StudioError `bad-request` for what the model can't say: it does not speak, does not know a phone, or the sentence is too long for
   * it; `cancelled` when the signal ends it
   */
  async speak(item: SpeakItem, sampling: Sampling, options: Omit<GenerateOptions, 'previewEveryMs'> = {}): Promise<Spoken> {
    const { phones, ms, speed, prompt, seed, fixed } = item;
    const { speech, sound } = this.checkSpoken(phones, prompt);
    if (ms.length !== phones.length) throw new StudioError('bad-request', 'Every phone needs a length. Ask for the lengths again.');
    const { D, V, H, L: most } = this.pack.manifest.tokens;
    const positionsPerSecond = sound.sampleRate / sound.samplesPerPosition;
    const Q = prompt.length / D;
    const L = fixed ? fixed.k.length : positionsOf(ms, positionsPerSecond);
    if (Q + L > most) {
      const seconds = ((most - Q) / positionsPerSecond).toFixed(0);
      throw new StudioError(
        'bad-request',
        `This sentence is too long to be said at once: with this voice the model says ${seconds} seconds. Put a full stop in it.`,
      );
    }
    const { text, voice } = await this.encodeText(phones, speed, prompt);
    const condition: SpeechCondition = {
      text: float32(text),
      voice: float32(voice),
      frames: textFrames(ms, { L, positionsPerSecond, R: speech.framesPerPosition }),
      prompt,
    };
    const step = this.stepFunction((guidance) => {
      const branches = guidanceBranches(guidance, sampling.voiceShare);
      const sizes = { L, P: phones.length, Q, G: branches.no_text.length, F: branches.no_voice.length };
      return { sizes, more: { ...condition, ...branches } };
    });
    const candidates = fixed || L < LEAST_PROMPT ? 1 : (sampling.candidates ?? 1);
    const T = sampling.steps;
    let kept: { said: Sample; seed: number; near: number } | null = null;
    for (let c = 0; c < candidates; c++) {
      const own = candidateSeed(seed, c);
      const [said] = await sample(step, { L, D, V, H }, [{ condition: 0, seed: own, fixed }], sampling, {
        ...options,
        onStep: (report) => options.onStep?.({ ...report, step: c * T + report.step, steps: candidates * T }),
      });
      if (!said) continue;
      const near = candidates === 1 ? 1 : likeness(condition.voice, await voicesOf(this.later, said.tokens, 1));
      if (!kept || near > kept.near) kept = { said, seed: own, near };
    }
    if (!kept) throw new StudioError('internal', 'The engine sampled no sentence. Try again.');
    const [samples] = await this.decodeViews(1, kept.said.tokens, new Int32Array(L).fill(D));
    return { ...kept.said, seed: kept.seed, samples: samples instanceof Float32Array ? samples : new Float32Array() };
  }

  /**
   * The `step` graph as the sampler calls it, with what `at` adds to a step of this guidance.
   * @throws StudioError `bad-request` when the package has none
   */
  stepFunction(at: (guidance: number) => { sizes: Omit<Sizes, 'B'>; more: Tensors } = () => ({ sizes: {}, more: {} })): StepFunction {
    const { step } = this.sessions;
    if (!step)
      throw new StudioError(
        'bad-request',
        `The model "${this.pack.manifest.id}" is a tokenizer only: it can't generate. Choose another model.`,
      );
    return async ({ B, guidance, topP, noiseScale, ...arrays }) => {
      const each = (value: number) => new Float32Array(B).fill(value);
      const { sizes, more } = at(guidance);
      const { proposed, confidence } = await step.run(
        { B, ...sizes },
        {
          ...arrays,
          ...more,
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
    await this.later.release();
  }

  private async encodeText(phones: readonly number[], speed: number, prompt: Int32Array): Promise<Tensors> {
    const graph = await this.later.get('text');
    const Q = prompt.length / this.pack.manifest.tokens.D;
    return graph.run({ B: 1, P: phones.length, Q }, { phones: Int32Array.from(phones), speed: Float32Array.of(speed), prompt });
  }

  /** @throws StudioError `bad-request` */
  private checkSpoken(phones: readonly number[], prompt: Int32Array): { speech: SpeechModel; sound: NonNullable<Manifest['sound']> } {
    const { id, speech, sound, tokens, files } = this.pack.manifest;
    if (!speech || !sound || !files.step || !files.text)
      throw new StudioError('bad-request', `The model “${id}” can't speak. Choose one that can.`);
    if (phones.length < LEAST_PHONES || phones.length > LIMITS.speech.limits.phones.value)
      throw new StudioError(
        'bad-request',
        `A sentence has ${LEAST_PHONES} to ${LIMITS.speech.limits.phones.value} phones. Put a full stop in a longer one.`,
      );
    if (phones.some((phone) => phone < 1 || phone >= speech.phones.length))
      throw new StudioError('bad-request', `The model “${id}” does not know every phone of this sentence. Install the model again.`);
    if (prompt.length < LEAST_PROMPT * tokens.D || prompt.length % tokens.D !== 0 || prompt.some((code) => code < 0 || code >= tokens.V))
      throw new StudioError('bad-request', `The clip of this voice is not encoded with the model “${id}”. Encode it again.`);
    return { speech, sound };
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
