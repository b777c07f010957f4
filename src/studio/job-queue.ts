import { type Job, type Recipe, StudioError } from '../contract/index.js';
import { toStudioError } from './errors.js';
import type { ImageWork } from './image-work.js';
import type { ItemsStore } from './items-store.js';
import type { Emit, Running } from './job-work.js';
import type { JobsStore } from './jobs-store.js';
import type { SpeechWork } from './speech/speech-work.js';

interface Parts {
  jobs: JobsStore;
  items: ItemsStore;
  /** What each kind of job does. */
  work: { image: ImageWork; speech: SpeechWork };
  emit: Emit;
  /** Told of errors that may be the studio's own fault. */
  onError: (doing: string, error: unknown) => void;
}

type Asked = Pick<Extract<Job, { kind: 'image' }>, 'kind' | 'request'> | Pick<Extract<Job, { kind: 'speech' }>, 'kind' | 'request'>;

/** Runs jobs one at a time, in the order of the queue. A job is in the database before it runs, and so is each item when it is done. */
export class JobQueue {
  /** `then` is the state that a job comes to when it is stopped. */
  #running: { id: string; stop: AbortController; ended: Promise<void>; then: 'cancelled' | 'paused' | 'queued' } | null = null;
  #closed = false;
  #asleep = false;

  constructor(private readonly parts: Parts) {}

  /** Finds the place of an item, in a job that was running when the studio last ended, that the job does not know of. */
  interrupted(): (recipe: Recipe) => { id: string; index: number } | null {
    const { jobs, items } = this.parts;
    const running = jobs.list().filter(({ state }) => state === 'running');
    const known = running.map((job) => ({ job, finished: items.finished(job.id) }));
    return (recipe) => {
      for (const { job, finished } of known) {
        const index = this.#placeInPlan(job, recipe);
        if (index === null || finished.has(index)) continue;
        finished.add(index);
        return { id: job.id, index };
      }
      return null;
    };
  }

  /** Whether no job runs. */
  get idle(): boolean {
    return this.#running === null;
  }

  /** Takes up what was queued or running when the studio last ended. */
  start(): void {
    this.parts.jobs.requeue();
    this.#next();
  }

  /** @throws StudioError `not-found`, `bad-model`, `no-consent` or `bad-request` */
  async create(asked: Asked): Promise<Job> {
    const { work, jobs } = this.parts;
    const { total, plan } = asked.kind === 'image' ? await work.image.prepare(asked.request) : await work.speech.prepare(asked.request);
    const job = jobs.add(asked, total, plan);
    this.#tell(job);
    this.#next();
    return job;
  }

  /** Stops a job between two steps; resolves when it has stopped. A job that has ended stays as it is. */
  cancel(id: string): Promise<Job> {
    return this.#stop(id, 'cancelled');
  }

  /** Every job that waits or runs. */
  async cancelAll(): Promise<Job[]> {
    const running = this.#running?.id;
    const ids = this.parts.jobs.waiting().map((job) => job.id);
    // Those that wait first, or the next one would start.
    const cancelled: Job[] = [];
    for (const id of running === undefined ? ids : [...ids, running]) cancelled.push(await this.cancel(id));
    return cancelled;
  }

  /** Like `cancel`, but the job keeps its place in the queue. @throws StudioError `bad-request` where it has ended */
  async pause(id: string): Promise<Job> {
    const { state } = this.parts.jobs.get(id);
    if (state !== 'running' && state !== 'queued' && state !== 'paused') {
      throw new StudioError('bad-request', `This job is ${state}, so it can't be paused. Only a job that runs or waits can.`);
    }
    return this.#stop(id, 'paused');
  }

  /** @throws StudioError `bad-request` where it is not paused */
  resume(id: string): Job {
    const { state } = this.parts.jobs.get(id);
    if (state !== 'paused') throw new StudioError('bad-request', `This job is ${state} and not paused, so it needs no resuming.`);
    const job = this.parts.jobs.update(id, { state: 'queued' });
    this.#tell(job);
    this.#next();
    return job;
  }

  /** Puts a waiting job before another one, or last. @throws StudioError `bad-request` where one of them does not wait */
  move(id: string, before: string | null): void {
    const waiting = this.parts.jobs.waiting().map((job) => job.id);
    if (!waiting.includes(id) || (before !== null && !waiting.includes(before))) {
      throw new StudioError('bad-request', 'Only jobs that wait have a place in the queue. Look at the queue again; it has moved on.');
    }
    if (id === before) return;
    const others = waiting.filter((other) => other !== id);
    const at = before === null ? others.length : others.indexOf(before);
    for (const job of this.parts.jobs.order(others.toSpliced(at, 0, id))) this.#tell(job);
  }

  /** Queues what a failed or cancelled job has not finished. @throws StudioError `bad-request` in any other state */
  retry(id: string): Job {
    const { state } = this.parts.jobs.get(id);
    if (state !== 'failed' && state !== 'cancelled') {
      throw new StudioError('bad-request', `This job is ${state}, so there is nothing to retry. Only a failed or stopped job can go on.`);
    }
    const job = this.parts.jobs.update(id, { state: 'queued', startedAt: null, endedAt: null, error: null });
    this.#tell(job);
    this.#next();
    return job;
  }

  /**
   * Says one sentence of a text again; `release` takes the old one out of the job's place. A job that runs comes to it by itself.
   * @throws StudioError `bad-request` where it is no text, or has no such sentence
   */
  again(id: string, index: number, seed: number, release: () => void): Job {
    const { jobs, items } = this.parts;
    const job = jobs.get(id);
    if (job.kind !== 'speech') throw new StudioError('bad-request', 'This job made pictures. Only sentences can be said again.');
    if (index >= job.total)
      throw new StudioError('bad-request', `This text has ${job.total.toLocaleString('en')} sentences. Choose one of them.`);
    // First, so that a crash in between leaves a job whose sentence is there, and not one that lacks it.
    jobs.setRequest(id, { ...job.request, again: { ...job.request.again, [String(index)]: seed } });
    release();
    const done = items.finished(id).size;
    const ended = job.state === 'done' || job.state === 'failed' || job.state === 'cancelled';
    const changed = jobs.update(id, ended ? { state: 'queued', done, startedAt: null, endedAt: null, error: null } : { done });
    this.#tell(changed);
    this.#next();
    return changed;
  }

  /**
   * Stops the running job between two steps and starts none until `wake`. It waits in its place: a studio that never wakes takes it up at its
   * next start.
   */
  async sleep(): Promise<void> {
    this.#asleep = true;
    // One that is being stopped already comes to what the person wants of it.
    if (!this.#running || this.#running.stop.signal.aborted) return;
    const { stop, ended } = this.#running;
    this.#running.then = 'queued';
    stop.abort();
    await ended;
  }

  wake(): void {
    this.#asleep = false;
    this.#next();
  }

  /** Ends the running job between two steps; it stays in the database as running, and goes on at the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#running?.stop.abort();
    await this.#running?.ended;
  }

  async #stop(id: string, then: 'cancelled' | 'paused'): Promise<Job> {
    const job = this.parts.jobs.get(id);
    if (this.#running?.id === id) {
      const { stop, ended } = this.#running;
      this.#running.then = then;
      stop.abort();
      await ended;
    } else if (job.state === 'queued' || job.state === 'paused') {
      const endedAt = then === 'cancelled' ? Date.now() : null;
      this.#tell(this.parts.jobs.update(id, { state: then, endedAt }));
    }
    return this.parts.jobs.get(id);
  }

  #next(): void {
    if (this.#running || this.#closed || this.#asleep) return;
    const job = this.parts.jobs.next();
    if (!job) return;
    const stop = new AbortController();
    // Not before #running is set: a job that fails at once would otherwise start the next one twice.
    const ended = Promise.resolve()
      .then(() => this.#run(job, stop.signal))
      .finally(() => {
        this.#running = null;
        this.#next();
      });
    this.#running = { id: job.id, stop, ended, then: 'cancelled' };
  }

  async #run(job: Job, signal: AbortSignal): Promise<void> {
    const { jobs } = this.parts;
    try {
      this.#tell(jobs.update(job.id, { state: 'running', startedAt: job.startedAt ?? Date.now() }));
      await this.#work(job, signal);
      this.#tell(jobs.update(job.id, { state: 'done', endedAt: Date.now() }));
    } catch (error) {
      if (this.#closed) return;
      this.parts.onError('A job failed in a way that nobody foresaw.', error);
      const { code, message } = toStudioError(error);
      const stopped = this.#running?.then ?? 'cancelled';
      if (code !== 'cancelled') this.#end(job.id, { state: 'failed', error: message, endedAt: Date.now() });
      else this.#end(job.id, { state: stopped, error: null, endedAt: stopped === 'cancelled' ? Date.now() : null });
    }
  }

  #end(id: string, end: Pick<Job, 'state' | 'error' | 'endedAt'>): void {
    try {
      this.#tell(this.parts.jobs.update(id, end));
    } catch (error) {
      // The disk may be too full even for this. People still hear of it, and the job, running as far as the database knows, goes on
      // at the next start.
      this.#tell({ ...this.parts.jobs.get(id), ...end, error: end.error ?? toStudioError(error).message });
    }
  }

  async #work(job: Job, signal: AbortSignal): Promise<void> {
    const { jobs, items, work } = this.parts;
    const count = (): void => {
      const done = items.finished(job.id).size;
      if (done !== jobs.get(job.id).done) this.#tell(jobs.update(job.id, { done }));
    };
    // The studio may have ended between an item and the job's count of it.
    count();
    const running: Running = { signal, kept: count, retryOnce: (things, once) => retryOnce(signal, things, once) };
    await (job.kind === 'image' ? work.image.run(job, running) : work.speech.run(job, running));
  }

  #placeInPlan(job: Job, recipe: Recipe): number | null {
    const { image, speech } = this.parts.work;
    return job.kind === 'image' ? image.placeInPlan(job, recipe) : speech.placeInPlan(job, recipe);
  }

  #tell(job: Job): void {
    this.parts.emit({ name: 'job', payload: job });
  }
}

/** A crash of the engine process may have been anything; twice on the same things is no accident. */
async function retryOnce<T>(signal: AbortSignal, things: string, work: () => Promise<T>): Promise<T> {
  const stopped = (error: unknown): error is StudioError =>
    error instanceof StudioError && error.code === 'engine-stopped' && !signal.aborted;
  try {
    return await work();
  } catch (first) {
    if (!stopped(first)) throw first;
  }
  try {
    return await work();
  } catch (second) {
    if (!stopped(second)) throw second;
    const advice =
      things === 'pictures'
        ? 'Retry with a smaller batch, or choose another provider in Settings.'
        : 'Retry, or choose another provider in Settings.';
    throw new StudioError(
      'engine-stopped',
      `The engine process stopped twice on the same ${things}. Finished ${things} are kept. ${advice}`,
      {
        cause: second,
      },
    );
  }
}
