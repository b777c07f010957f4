import {
  type EngineReply,
  type EngineRequest,
  type EngineStatus,
  type GenerateOne,
  type Sampling,
  type Settings,
  type SpawnEngine,
  StudioError,
} from '../contract/index.js';
import type { ModelPackage } from '../engine/package.js';
import { EngineLink, type StepReply } from './engine-link.js';

interface GenerateRequest {
  items: GenerateOne[];
  sampling: Sampling;
  /** At least this many milliseconds between two decoded previews; null for none. */
  previewEveryMs: number | null;
}

/** A sentence for the engine: phones by their numbers in the model, each with its length in milliseconds, and the clip of a voice `[Q * D]`. */
type SpeakRequest = Omit<Extract<EngineRequest, { type: 'speak' }>, 'type' | 'id'>;

export type Spoken = Extract<EngineReply, { type: 'spoken' }>;

export type Generated = Extract<EngineReply, { type: 'generated' }>;

/** A loaded model, for as long as `Engine.use` lends it. */
export interface EngineSession {
  /** Stops between two steps when the signal says so, and then rejects with code `cancelled`. */
  generate(request: GenerateRequest, onStep: (step: StepReply) => void, signal: AbortSignal): Promise<Generated>;
  /** How long each phone lasts, in milliseconds. */
  durations(phones: number[], speed: number, prompt: Int32Array): Promise<number[]>;
  /** One sentence; stops as `generate` does. */
  speak(request: SpeakRequest, onStep: (step: StepReply) => void, signal: AbortSignal): Promise<Spoken>;
  /** tokens `[L * D]` to RGB pixels, `size * size * 3`. */
  decode(tokens: Int32Array, depth: number): Promise<Uint8Array>;
  encode(pixels: Uint8Array): Promise<Int32Array>;
  /** Mono samples at the model's rate, whole positions of them. */
  encodeSound(samples: Float32Array): Promise<Int32Array>;
}

/** The engine process as the studio sees it: started at first use, again after a crash, with one model loaded and one user at a time. */
export class Engine {
  #link: EngineLink | undefined;
  #loaded: { folder: string; provider: Settings['provider'] } | undefined;
  #status: EngineStatus = { state: 'stopped', model: null, provider: null, probes: [], problem: null };
  #queue: Promise<unknown> = Promise.resolve();
  /** Tasks that run or wait for their turn. */
  #waiting = 0;
  #closed = false;

  constructor(
    private readonly spawn: SpawnEngine,
    private readonly onStatus: (status: EngineStatus) => void,
    private readonly onCrash: (reason: string, lastWords: string) => void,
  ) {}

  get status(): EngineStatus {
    return this.#status;
  }

  /** Loads the model unless it is, and lends it to `work` alone. Calls are served in their order. */
  use<T>(model: ModelPackage, provider: Settings['provider'], work: (session: EngineSession) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      const link = await this.#load(model, provider, false);
      this.#update({ state: 'busy' });
      try {
        return await work(session(link));
      } finally {
        if (!link.gone) this.#update({ state: 'ready' });
      }
    });
  }

  /**
   * B views: tokens `[B * L * D]`, depths of each position `[B * L]`, to RGB pixels or mono samples each. Where the model is loaded they do not
   * wait for their turn: the engine process decodes them between two steps of what it generates.
   */
  async decodeViews(
    model: ModelPackage,
    provider: Settings['provider'],
    { B, tokens, depth }: { B: number; tokens: Int32Array; depth: Int32Array },
  ): Promise<(Uint8Array | Float32Array)[]> {
    const decode = async (link: EngineLink) =>
      (await link.send<'decodeViews'>({ type: 'decodeViews', B, tokens: new Int32Array(tokens), depth: new Int32Array(depth) })).frames;
    if (this.#link && !this.#link.gone && this.#isLoaded(model, provider)) return decode(this.#link);
    return this.#inTurn(async () => decode(await this.#load(model, provider, false)));
  }

  /**
   * Whose voice is heard where in a sound: mono samples at the model's rate, in windows of so many positions, to a vector `[W]` each. The model need
   * not be loaded, and whatever is loaded stays so. Null where the engine is in use: nobody's pictures and sentences are to wait for this.
   * @throws StudioError `bad-request` or `bad-model` where this model can't tell
   */
  async voiceVectors(
    { folder }: ModelPackage,
    { samples, window, hop }: { samples: Float32Array; window: number; hop: number },
  ): Promise<Float32Array[] | null> {
    if (this.#waiting > 0) return null;
    return this.#inTurn(async () => {
      const link = this.#start();
      try {
        return (await link.send<'voiceVectors'>({ type: 'voiceVectors', folder, samples: new Float32Array(samples), window, hop })).vectors;
      } finally {
        // A process that was started for this has nothing loaded, and is ready all the same.
        if (!link.gone && this.#status.state === 'starting') this.#update({ state: 'ready' });
      }
    });
  }

  /** Loads the model ahead of its first use, unless one is loaded. What goes wrong is told at that use: nobody has asked yet. */
  warmUp(model: ModelPackage, provider: Settings['provider']): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#loaded) return;
      try {
        await this.#load(model, provider, false);
      } catch {
        this.#update({ problem: null });
      }
    });
  }

  /** Loads the model again and times every provider that this build lists. */
  probe(model: ModelPackage, provider: Settings['provider']): Promise<EngineStatus> {
    return this.#inTurn(async () => {
      await this.#load(model, provider, true);
      return this.#status;
    });
  }

  close(): void {
    this.#closed = true;
    this.#link?.kill();
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const result = this.#queue.then(task).finally(() => this.#waiting--);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  async #load({ folder, manifest }: ModelPackage, provider: Settings['provider'], probeAll: boolean): Promise<EngineLink> {
    const link = this.#start();
    if (!probeAll && this.#isLoaded({ folder }, provider)) return link;
    this.#loaded = undefined;
    this.#update({ state: 'starting', model: null, provider: null });
    try {
      const loaded = await link.send<'load'>({ type: 'load', folder, provider, probeAll });
      this.#loaded = { folder, provider };
      this.#update({ state: 'ready', model: manifest.id, provider: loaded.provider, probes: loaded.probes, problem: null });
      return link;
    } catch (error) {
      if (!link.gone) this.#update({ state: 'ready', problem: StudioError.from(error).message });
      throw error;
    }
  }

  #isLoaded({ folder }: Pick<ModelPackage, 'folder'>, provider: Settings['provider']): boolean {
    return this.#loaded?.folder === folder && this.#loaded.provider === provider;
  }

  #start(): EngineLink {
    if (this.#closed) throw new StudioError('cancelled', 'The studio is closing. Start it again to go on.');
    if (this.#link && !this.#link.gone) return this.#link;
    this.#update({ state: 'starting' });
    const gone = (error: StudioError): void => {
      this.#loaded = undefined;
      this.#update({ state: 'stopped', model: null, provider: null, problem: this.#closed ? null : error.message });
    };
    this.#link = new EngineLink(this.spawn, gone, this.onCrash);
    return this.#link;
  }

  #update(change: Partial<EngineStatus>): void {
    this.#status = { ...this.#status, ...change };
    this.onStatus(this.#status);
  }
}

function session(link: EngineLink): EngineSession {
  return {
    generate: (request, onStep, signal) =>
      untilStopped(link, signal, (onStart) => link.send<'generate'>({ type: 'generate', ...request }, onStep, onStart)),
    durations: async (phones, speed, prompt) =>
      (await link.send<'durations'>({ type: 'durations', phones, speed, prompt: new Int32Array(prompt) })).ms,
    speak: (request, onStep, signal) =>
      untilStopped(link, signal, (onStart) => link.send<'speak'>({ type: 'speak', ...request }, onStep, onStart)),
    decode: async (tokens, depth) => (await link.send<'decode'>({ type: 'decode', tokens: new Int32Array(tokens), depth })).pixels,
    encodeSound: async (samples) => (await link.send<'encodeSound'>({ type: 'encodeSound', samples: new Float32Array(samples) })).tokens,
    encode: async (pixels) => (await link.send<'encode'>({ type: 'encode', pixels: new Uint8Array(pixels) })).tokens,
  };
}

/** Sends a request that can be cancelled by its id, and cancels it when the signal says so. @throws StudioError `cancelled` */
async function untilStopped<T>(link: EngineLink, signal: AbortSignal, send: (onStart: (id: number) => void) => Promise<T>): Promise<T> {
  if (signal.aborted) throw new StudioError('cancelled', 'Stopped.');
  let id: number | undefined;
  const stop = (): void => {
    if (id !== undefined) link.cancel(id);
  };
  signal.addEventListener('abort', stop);
  try {
    return await send((given) => {
      id = given;
      if (signal.aborted) stop();
    });
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
