import type { Bridge, EventPayload, Item, StudioEvent } from '../../../contract/index.js';
import { EditRun } from '../edit/run.svelte.js';
import type { DecodeViews } from '../source.js';
import { openTokens } from '../source.js';
import { ReplayView } from './replay.svelte.js';

/**
 * A second generation beside the one that is open, with its tokens revealed in the other order: of a picture the same class and seed, of
 * speech the same phones at the same times, in the same voice and with the same seed.
 */
export class Beside {
  item = $state.raw<Item | null>(null);
  replay = $state.raw<ReplayView | null>(null);
  /** While the other one is being generated. */
  making = $state(false);
  problem = $state('');
  #job: string | null = null;
  #jobProgress = $state.raw<{ readonly step: number; readonly steps: number } | null>(null);
  readonly #again: EditRun;
  #closed = false;

  constructor(
    private readonly bridge: Bridge,
    private readonly decoderOf: (id: string) => DecodeViews,
  ) {
    this.#again = new EditRun(bridge);
  }

  /** How far it is; null before its first step. */
  get progress(): { readonly step: number; readonly steps: number } | null {
    return this.#again.running ? this.#again.progress : this.#jobProgress;
  }

  /** Whether the recipe says enough to make it again. */
  static canMake({ recipe: { verb, kind, className, seed, sampling, voice, speech } }: Item): boolean {
    if (verb !== 'generate' || seed === undefined || !sampling) return false;
    return kind === 'image' ? className !== undefined : speech !== undefined && voice !== undefined;
  }

  /** Generates what `original` would have been with its tokens revealed in the other order. */
  async make({ id, kind, recipe }: Item): Promise<void> {
    const { className, seed, sampling, model, speech } = recipe;
    if (seed === undefined || !sampling || this.making) return;
    const other = { ...sampling, reveal: sampling.reveal === 'random' ? 'confidence' : 'random' } as const;
    this.making = true;
    this.#jobProgress = null;
    this.problem = '';
    // The noise of the candidate that was kept, not of the first.
    if (kind === 'speech') return this.#sayAgain(id, speech?.keptSeed ?? seed, other);
    const reply = await this.bridge.call('jobs.create', {
      model: model.id,
      classes: [className ?? ''],
      count: 1,
      seed,
      sampling: other,
    });
    if (reply.ok) this.#job = reply.value.id;
    else this.#fail(reply.error.message);
  }

  /** All tokens anew is an edit that keeps none: unlike the saying of a text, it keeps what is said when, so that the two can be compared. */
  async #sayAgain(id: string, seed: number, sampling: NonNullable<Item['recipe']['sampling']>): Promise<void> {
    const reply = await this.#again.make({ id, edit: { kind: 'resampleBelow', depth: 0 }, seed, sampling });
    if (this.#closed) return;
    this.making = false;
    if (reply.ok) await this.#show(reply.value);
    else if (reply.error.code !== 'cancelled') this.problem = reply.error.message;
  }

  onEvent(event: StudioEvent): void {
    this.#again.onEvent(event);
    if (event.name === 'itemAdded') void this.#onItem(event.payload);
    else if (event.name === 'progress') this.#onProgress(event.payload);
    else if (event.name === 'job') {
      const { id, state, error } = event.payload;
      // Without an item: with a problem, or stopped.
      if (id === this.#job && (state === 'failed' || state === 'cancelled')) this.#fail(error ?? '');
    }
  }

  #onProgress({ jobId, step, steps }: EventPayload<'progress'>): void {
    if (jobId === this.#job) this.#jobProgress = { step, steps };
  }

  async stop(): Promise<void> {
    await this.#again.stop();
    if (this.#job !== null) await this.bridge.call('jobs.cancel', { id: this.#job });
  }

  /** The studio finished an item: perhaps the one that was asked for. */
  async #onItem(item: Item): Promise<void> {
    if (this.#job === null || item.jobId !== this.#job) return;
    this.#job = null;
    this.making = false;
    await this.#show(item);
  }

  async #show(item: Item): Promise<void> {
    const { id } = item;
    const [tokens, course] = await Promise.all([openTokens(this.bridge, id), this.bridge.call('tokens.replay', { id })]);
    if (!tokens.ok) return this.#fail(tokens.error.message);
    if (!course.ok) return this.#fail(course.error.message);
    const { revealedAt, confidence } = tokens.value;
    if (!revealedAt || this.#closed) return;
    this.item = item;
    this.replay = new ReplayView(course.value, revealedAt, confidence, this.decoderOf(id));
  }

  /** What is being made is of no use any more, but stays in the library once it is done. */
  close(): void {
    this.#closed = true;
    this.#job = null;
    this.replay?.close();
  }

  #fail(problem: string): void {
    this.#job = null;
    this.making = false;
    this.problem = problem;
  }
}
