import { EngineReply, type EngineProcess, type EngineRequest, type SpawnEngine, StudioError } from '../contract/index.js';
import { EngineWatch } from './engine-watch.js';

type ReplyOf<T extends EngineReply['type']> = Extract<EngineReply, { type: T }>;
export type StepReply = ReplyOf<'step'>;

/** Distributes over the union, so that every request keeps its own fields. */
type WithoutId<R> = R extends EngineRequest ? Omit<R, 'id'> : never;

/** Which reply ends each request. */
const answers = {
  load: 'loaded',
  generate: 'generated',
  durations: 'durations',
  speak: 'spoken',
  decode: 'decoded',
  decodeViews: 'decodedViews',
  encode: 'encoded',
  encodeSound: 'encoded',
  voiceVectors: 'voiceVectors',
} as const;
type Answered = keyof typeof answers;
type RequestOf<T extends Answered> = WithoutId<Extract<EngineRequest, { type: T }>>;

interface Pending {
  answer: EngineReply['type'];
  resolve: (reply: EngineReply) => void;
  reject: (error: StudioError) => void;
  onStep: ((step: StepReply) => void) | undefined;
}

/** One life of an engine process: requests by id, their replies, and the error that all of them get when the process is gone. */
export class EngineLink {
  readonly #process: EngineProcess;
  readonly #pending = new Map<number, Pending>();
  readonly #ready: Promise<void>;
  readonly #watch: EngineWatch;
  #nextId = 1;
  #gone: StudioError | undefined;
  #killed = false;

  /** `onCrash` is told first, and only of an end that nobody asked for. */
  constructor(spawn: SpawnEngine, onGone: (error: StudioError) => void, onCrash: (reason: string, lastWords: string) => void) {
    this.#process = spawn();
    this.#watch = new EngineWatch({
      residentBytes: () => this.#process.residentBytes(),
      onRunaway: (error) => {
        this.#gone ??= error;
        this.#process.kill();
      },
    });
    this.#ready = new Promise((resolve, reject) => {
      this.#process.onMessage((message) => this.#receive(message, resolve));
      this.#process.onExit((reason) => {
        this.#watch.stop();
        if (!this.#gone && !this.#killed) onCrash(reason, this.#process.lastWords());
        this.#gone ??= new StudioError(
          'engine-stopped',
          `The engine process stopped (${reason}). Try again; if it happens again, choose another provider in Settings.`,
        );
        reject(this.#gone);
        for (const pending of this.#pending.values()) pending.reject(this.#gone);
        this.#pending.clear();
        onGone(this.#gone);
      });
    });
    // Whoever sends a request hears of it; without requests nobody needs to.
    this.#ready.catch(() => undefined);
  }

  get gone(): boolean {
    return this.#gone !== undefined;
  }

  /** `onStart` gets the id under which the request can be cancelled. */
  async send<T extends Answered>(
    request: RequestOf<T>,
    onStep?: (step: StepReply) => void,
    onStart?: (id: number) => void,
  ): Promise<ReplyOf<(typeof answers)[T]>> {
    await this.#ready;
    if (this.#gone) throw this.#gone;
    const id = this.#nextId++;
    const answer = answers[request.type as T];
    const reply = new Promise<EngineReply>((resolve, reject) => this.#pending.set(id, { answer, resolve, reject, onStep }));
    this.#watch.heard();
    this.#process.post({ ...request, id } as EngineRequest);
    onStart?.(id);
    // #receive resolves it only with the reply that `answers` names.
    return (await reply) as ReplyOf<(typeof answers)[T]>;
  }

  cancel(id: number): void {
    if (this.#pending.has(id)) this.#process.post({ type: 'cancel', id });
  }

  kill(): void {
    this.#killed = true;
    this.#process.kill();
  }

  #receive(message: unknown, ready: () => void): void {
    const parsed = EngineReply.safeParse(message);
    if (!parsed.success) {
      // Host and engine of two versions, or memory gone bad: nothing that it says from here on can be trusted.
      this.#gone ??= new StudioError(
        'engine-stopped',
        'The engine process sent something this studio does not understand. Install the studio again.',
      );
      this.kill();
      return;
    }
    const reply = parsed.data;
    if (reply.type === 'ready') {
      ready();
      return;
    }
    const pending = this.#pending.get(reply.id);
    if (!pending) return;
    this.#watch.heard();
    if (reply.type === 'step') {
      pending.onStep?.(reply);
      return;
    }
    this.#pending.delete(reply.id);
    if (this.#pending.size === 0) this.#watch.stop();
    if (reply.type === 'error') pending.reject(new StudioError(reply.error.code, reply.error.message));
    else if (reply.type === pending.answer) pending.resolve(reply);
    else pending.reject(new StudioError('internal', `The engine process answered “${reply.type}” where “${pending.answer}” was due.`));
  }
}
