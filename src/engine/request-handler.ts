import { type EngineReply, EngineRequest } from '../contract/engine.js';
import { StudioError, explain } from '../contract/errors.js';
import { Engine, type Picture } from './engine.js';
import { LaterSessions } from './later-sessions.js';
import { voiceVectors } from './listen.js';
import { openPackage } from './package.js';

/** Reply id for a message so broken that it has none. */
const NO_ID = -1;

type Request<T extends EngineRequest['type']> = Extract<EngineRequest, { type: T }>;

export interface RequestHandlerOptions {
  post: (reply: EngineReply) => void;
  /** CPU threads of one operator; onnxruntime's choice where left out. */
  threads?: number | undefined;
  /** Addresses of inference servers, with commas between them. */
  remote?: string | undefined;
}

/**
 * Answers the messages of `contract/engine.ts`. One request at a time, in the order they came, but for `cancel`, which acts at once, and
 * `decodeViews`, which comes between two steps of what is generated: a hand on a slider waits for it, and a batch may take a minute.
 * Every request gets exactly one final reply; whatever goes wrong is an `error` reply, never an exception.
 */
export class RequestHandler {
  private engine: Engine | null = null;
  /** Of a package that was listened with and is not loaded. */
  private listening: LaterSessions | null = null;
  private queue: Promise<void> = Promise.resolve();
  /** Of every `generate` and `speak` that is queued or running, by its id. */
  private readonly cancels = new Map<number, AbortController>();

  /** Whether something is generated now, and views that are to be decoded between two of its steps. */
  private sampling = false;
  private readonly views: Request<'decodeViews'>[] = [];

  constructor(private readonly options: RequestHandlerOptions) {}

  receive(message: unknown): void {
    const parsed = EngineRequest.safeParse(message);
    if (!parsed.success) {
      const error = new StudioError('bad-request', `The engine was sent a message it does not know: ${explain(parsed.error)}.`);
      this.options.post({ type: 'error', id: idOf(message), error: error.toWire() });
      return;
    }
    const request = parsed.data;
    if (request.type === 'cancel') {
      // One that has just finished is not there any more: its reply is on its way and nothing is left to stop.
      this.cancels.get(request.id)?.abort();
      return;
    }
    if (request.type === 'decodeViews' && this.sampling) {
      this.views.push(request);
      return;
    }
    if (request.type === 'generate' || request.type === 'speak') this.cancels.set(request.id, new AbortController());
    this.queue = this.queue.then(() => this.answer(request));
  }

  private async answer(request: Exclude<EngineRequest, { type: 'cancel' }>): Promise<void> {
    try {
      this.options.post(await this.run(request));
    } catch (error) {
      this.options.post({ type: 'error', id: request.id, error: StudioError.from(error).toWire() });
    } finally {
      this.cancels.delete(request.id);
    }
  }

  private run(request: Exclude<EngineRequest, { type: 'cancel' }>): Promise<EngineReply> {
    switch (request.type) {
      case 'load':
        return this.load(request);
      case 'generate':
        return this.withViews(() => this.generate(request));
      case 'durations':
        return this.durations(request);
      case 'speak':
        return this.withViews(() => this.speak(request));
      case 'decode':
        return this.decode(request);
      case 'decodeViews':
        return this.decodeViews(request);
      case 'encode':
        return this.encode(request);
      case 'encodeSound':
        return this.encodeSound(request);
      case 'voiceVectors':
        return this.voiceVectors(request);
    }
  }

  private async withViews(sample: () => Promise<EngineReply>): Promise<EngineReply> {
    this.sampling = true;
    try {
      return await sample();
    } finally {
      this.sampling = false;
      await this.answerViews();
    }
  }

  private readonly answerViews = async (): Promise<void> => {
    for (let view = this.views.shift(); view; view = this.views.shift()) await this.answer(view);
  };

  private async load({ id, folder, provider, probeAll }: Request<'load'>): Promise<EngineReply> {
    const start = performance.now();
    // Before the next one: two models at once may not fit the memory.
    await this.engine?.dispose();
    this.engine = null;
    await this.stopListening();
    this.engine = await Engine.load(folder, { provider, probeAll, threads: this.options.threads, remote: this.options.remote });
    return { type: 'loaded', id, provider: this.engine.provider, probes: [...this.engine.probes], loadMs: performance.now() - start };
  }

  private async generate({ id, items, sampling, previewEveryMs }: Request<'generate'>): Promise<EngineReply> {
    const start = performance.now();
    const pictures = await this.loaded().generate(
      items.map(({ classIndex, seed, fixed }) => ({ condition: classIndex, seed, fixed })),
      sampling,
      {
        previewEveryMs,
        onStep: ({ step, steps, k, masked, previews }) => {
          this.options.post({ type: 'step', id, step, steps, k: k.map(copy), masked, previews: previews.map(copy) });
        },
        signal: this.signalOf(id),
        between: this.answerViews,
      },
    );
    return { type: 'generated', id, ms: performance.now() - start, results: pictures.map(onWire) };
  }

  private async durations({ id, phones, speed, prompt }: Request<'durations'>): Promise<EngineReply> {
    return { type: 'durations', id, ms: await this.loaded().durations(phones, speed, prompt) };
  }

  private async speak({ id, sampling, phones, ms, speed, prompt, seed, fixed }: Request<'speak'>): Promise<EngineReply> {
    const start = performance.now();
    const { samples, ...said } = await this.loaded().speak({ phones, ms, speed, prompt, seed, fixed }, sampling, {
      onStep: ({ step, steps, k, masked }) => this.options.post({ type: 'step', id, step, steps, k: k.map(copy), masked, previews: [] }),
      signal: this.signalOf(id),
      between: this.answerViews,
    });
    const { tokens, revealedAt, confidence, seed: kept } = said;
    const arrays = { tokens: tokens.slice(), samples: samples.slice(), revealedAt: copy(revealedAt), confidence: confidence.slice() };
    return { type: 'spoken', id, engineMs: performance.now() - start, seed: kept, ...arrays };
  }

  private signalOf(id: number): AbortSignal {
    return this.cancels.get(id)?.signal ?? AbortSignal.abort();
  }

  private async decode({ id, tokens, depth }: Request<'decode'>): Promise<EngineReply> {
    return { type: 'decoded', id, pixels: copy(await this.loaded().decode(tokens, depth)) };
  }

  private async encode({ id, pixels }: Request<'encode'>): Promise<EngineReply> {
    const { tokens, residual } = await this.loaded().encode(pixels);
    return { type: 'encoded', id, tokens: tokens.slice(), residual: residual.slice() };
  }

  private async decodeViews({ id, B, tokens, depth }: Request<'decodeViews'>): Promise<EngineReply> {
    const frames = await this.loaded().decodeViews(B, tokens, depth);
    return { type: 'decodedViews', id, frames: frames.map((frame) => frame.slice()) };
  }

  private async encodeSound({ id, samples }: Request<'encodeSound'>): Promise<EngineReply> {
    const { tokens, residual } = await this.loaded().encodeSound(samples);
    return { type: 'encoded', id, tokens: tokens.slice(), residual: residual.slice() };
  }

  private async voiceVectors({ id, folder, samples, window, hop }: Request<'voiceVectors'>): Promise<EngineReply> {
    const vectors = await voiceVectors(await this.sessionsOf(folder), samples, { window, hop });
    return { type: 'voiceVectors', id, vectors: vectors.map((vector) => vector.slice()) };
  }

  /** Those of the loaded package where it is the one. Others are kept for the next time, of one package. */
  private async sessionsOf(folder: string): Promise<LaterSessions> {
    if (this.engine?.pack.folder === folder) return this.engine.later;
    if (this.listening?.pack.folder === folder) return this.listening;
    await this.stopListening();
    return (this.listening = new LaterSessions(await openPackage(folder), this.options.threads));
  }

  private async stopListening(): Promise<void> {
    await this.listening?.release();
    this.listening = null;
  }

  private loaded(): Engine {
    if (!this.engine) throw new StudioError('bad-request', 'No model is loaded. Choose a model first.');
    return this.engine;
  }
}

function onWire({ tokens, pixels, revealedAt, confidence }: Picture) {
  return { tokens: tokens.slice(), pixels: copy(pixels), revealedAt: copy(revealedAt), confidence: confidence.slice() };
}

/** Owns its buffer: structured clone sends the whole buffer behind a view. */
function copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.slice();
}

function idOf(message: unknown): number {
  return typeof message === 'object' && message !== null && 'id' in message && Number.isInteger(message.id) ? Number(message.id) : NO_ID;
}
