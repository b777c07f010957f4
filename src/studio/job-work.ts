import type { Job, Recipe, StudioEvent } from '../contract/index.js';

/** What the queue gives a job that runs. */
export interface Running {
  signal: AbortSignal;
  /** To be told after each item that was kept, so that the job's count follows. */
  kept: () => void;
  /** The work again where a crash of the engine process ended it the first time; `things` are what it was about, for people. */
  retryOnce: <T>(things: string, work: () => Promise<T>) => Promise<T>;
}

export interface Prepared {
  /** Items. */
  total: number;
  /** What the job is to go by whenever it runs, as JSON; none where its request is enough. */
  plan?: unknown;
}

/** One kind of job: the queue keeps order, states and crashes, and leaves to this what a job is about. */
export interface JobWork<J extends Job> {
  /** What a request comes to. @throws StudioError where it can't be done */
  prepare: (request: J['request']) => Promise<Prepared>;
  /** The place of such an item in what a job asks for, or null where it asks for no such one. */
  placeInPlan: (job: J, recipe: Recipe) => number | null;
  /** Makes and keeps what the job does not have yet. */
  run: (job: J, running: Running) => Promise<void>;
}

export type Emit = (event: StudioEvent) => void;
