import type { Job, Recipe, StudioEvent } from '../contract/index.js';

/** What the queue gives a job that runs. */
export interface Running {
  signal: AbortSignal;
  /** To be told after each item that was kept, so that the job's count follows. */
  kept: () => void;
  /** The work again where a crash of the engine process ended it the first time; `things` are what it was about, for people. */
  retryOnce: <T>(things: string, work: () => Promise<T>) => Promise<T>;
}

/** One kind of job: the queue keeps order, states and crashes, and leaves to this what a job is about. */
export interface JobWork<J extends Job> {
  /** Items that a request asks for. @throws StudioError where it can't be done */
  total: (request: J['request']) => Promise<number>;
  /** The place of such an item in what a request asks for, or null where it asks for no such one. */
  placeInPlan: (request: J['request'], recipe: Recipe) => number | null;
  /** Makes and keeps what the job does not have yet. */
  run: (job: J, running: Running) => Promise<void>;
}

export type Emit = (event: StudioEvent) => void;
