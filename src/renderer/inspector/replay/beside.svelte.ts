import type { Bridge, EventPayload, Item } from '../../../contract/index.js';
import type { DecodeViews } from '../source.js';
import { openTokens } from '../source.js';
import { ReplayView } from './replay.svelte.js';

/** A second generation beside the one that is open: the same class and seed, with its tokens revealed in the other order. */
export class Beside {
  item = $state.raw<Item | null>(null);
  replay = $state.raw<ReplayView | null>(null);
  /** While the other one is being generated. */
  making = $state(false);
  /** How far it is; null before its first step. */
  progress = $state.raw<{ readonly step: number; readonly steps: number } | null>(null);
  problem = $state('');
  #job: string | null = null;

  constructor(
    private readonly bridge: Bridge,
    private readonly decoderOf: (id: string) => DecodeViews,
  ) {}

  /** Generates what `original` would have been with its tokens revealed in the other order. */
  async make({ recipe }: Item): Promise<void> {
    const { className, seed, sampling, model } = recipe;
    if (className === undefined || seed === undefined || !sampling || this.making) return;
    this.making = true;
    this.progress = null;
    this.problem = '';
    const reveal = sampling.reveal === 'random' ? 'confidence' : 'random';
    const reply = await this.bridge.call('jobs.create', {
      model: model.id,
      classes: [className],
      count: 1,
      seed,
      sampling: { ...sampling, reveal },
    });
    if (reply.ok) this.#job = reply.value.id;
    else this.#fail(reply.error.message);
  }

  onProgress({ jobId, step, steps }: EventPayload<'progress'>): void {
    if (jobId === this.#job) this.progress = { step, steps };
  }

  async stop(): Promise<void> {
    if (this.#job !== null) await this.bridge.call('jobs.cancel', { id: this.#job });
  }

  /** The studio finished an item: perhaps the one that was asked for. */
  async onItem(item: Item): Promise<void> {
    if (this.#job === null || item.jobId !== this.#job) return;
    this.#job = null;
    this.making = false;
    const { id } = item;
    const [tokens, course] = await Promise.all([openTokens(this.bridge, id), this.bridge.call('tokens.replay', { id })]);
    if (!tokens.ok) return this.#fail(tokens.error.message);
    if (!course.ok) return this.#fail(course.error.message);
    const { revealedAt, confidence } = tokens.value;
    if (!revealedAt) return;
    this.item = item;
    this.replay = new ReplayView(course.value, revealedAt, confidence, this.decoderOf(id));
  }

  /** The job ended without an item: with a problem, or stopped. */
  onJobEnded(id: string, problem: string): void {
    if (id === this.#job) this.#fail(problem);
  }

  close(): void {
    this.#job = null;
    this.replay?.close();
  }

  #fail(problem: string): void {
    this.#job = null;
    this.making = false;
    this.problem = problem;
  }
}
