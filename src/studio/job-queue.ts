import { type ImageRequest, type Job, type Recipe, type StudioEvent, StudioError } from '../contract/index.js';
import type { ModelPackage } from '../engine/package.js';
import { BatchProgress } from './batch-progress.js';
import type { Engine, Generated } from './engine.js';
import { toStudioError } from './errors.js';
import type { ItemsStore } from './items-store.js';
import { type PlannedPicture, placeInPlan, planJob } from './job-plan.js';
import type { JobsStore } from './jobs-store.js';
import type { Library } from './library.js';
import type { Models } from './models.js';
import type { PictureEncoder } from './pictures.js';
import type { SettingsStore } from './settings-store.js';
import { TimeLeft } from './time-left.js';

interface Parts {
  jobs: JobsStore;
  items: ItemsStore;
  library: Library;
  models: Models;
  settings: SettingsStore;
  engine: Engine;
  encoder: PictureEncoder;
  emit: (event: StudioEvent) => void;
  /** Told of errors that may be the studio's own fault. */
  onError: (doing: string, error: unknown) => void;
  version: string;
}

/** Previews are encoded here, one by one: bigger batches get fewer of them, so that they do not hold up the work. */
const PREVIEW_MS_PER_PICTURE = 15;
const MIN_PREVIEW_MS = 100;

/** Runs jobs one at a time, in the order of the queue. A job is in the database before it runs, and so is each picture when it is done. */
export class JobQueue {
  /** `then` is the state that a job comes to when it is stopped. */
  #running: { id: string; stop: AbortController; ended: Promise<void>; then: 'cancelled' | 'paused' } | null = null;
  #closed = false;

  constructor(private readonly parts: Parts) {}

  /** Finds the place of an item, in a job that was running when the studio last ended, that the job does not know of. */
  interrupted(): (recipe: Recipe) => { id: string; index: number } | null {
    const { jobs, items } = this.parts;
    const running = jobs.list().filter(({ state }) => state === 'running');
    const known = running.map(({ id, request }) => ({ id, request, finished: items.finished(id) }));
    return (recipe) => {
      for (const { id, request, finished } of known) {
        const index = placeInPlan(request, recipe);
        if (index === null || finished.has(index)) continue;
        finished.add(index);
        return { id, index };
      }
      return null;
    };
  }

  /** Takes up what was queued or running when the studio last ended. */
  start(): void {
    this.parts.jobs.requeue();
    this.#next();
  }

  /** @throws StudioError `not-found`, `bad-model` or `bad-request` */
  async create(request: ImageRequest): Promise<Job> {
    const { manifest } = await this.parts.models.find(request.model);
    const job = this.parts.jobs.add(request, planJob(request, manifest).length);
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
    if (this.#running || this.#closed) return;
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
      await this.#generate(job, signal);
      this.#tell(jobs.update(job.id, { state: 'done', endedAt: Date.now() }));
    } catch (error) {
      if (this.#closed) return;
      this.parts.onError('A job failed in a way that nobody foresaw.', error);
      const { code, message } = toStudioError(error);
      const stopped = this.#running?.then ?? 'cancelled';
      if (code !== 'cancelled') this.#end(job.id, { state: 'failed', error: message, endedAt: Date.now() });
      else this.#end(job.id, { state: stopped, error: null, endedAt: stopped === 'paused' ? null : Date.now() });
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

  async #generate(job: Job, signal: AbortSignal): Promise<void> {
    const { request } = job;
    const model = await this.parts.models.find(request.model);
    const finished = this.parts.items.finished(job.id);
    let waiting = planJob(request, model.manifest).filter(({ index }) => !finished.has(index));
    const timeLeft = new TimeLeft();
    let done = finished.size;
    // The studio may have ended between an item and the job's count of it.
    if (done !== job.done) this.#tell(this.parts.jobs.update(job.id, { done }));
    while (waiting.length > 0) {
      const batch = waiting.slice(0, request.batch);
      waiting = waiting.slice(request.batch);
      const generated = await this.#retryOnce(signal, () => this.#sample(job, model, batch, waiting.length, timeLeft, signal));
      for (const [i, picture] of batch.entries()) {
        await this.#keep(job, model, picture, generated, i);
        done += 1;
        this.#tell(this.parts.jobs.update(job.id, { done }));
      }
    }
  }

  /** A crash of the engine process may have been anything; twice on the same pictures is no accident. */
  async #retryOnce<T>(signal: AbortSignal, sample: () => Promise<T>): Promise<T> {
    const stopped = (error: unknown): error is StudioError =>
      error instanceof StudioError && error.code === 'engine-stopped' && !signal.aborted;
    try {
      return await sample();
    } catch (first) {
      if (!stopped(first)) throw first;
    }
    try {
      return await sample();
    } catch (second) {
      if (!stopped(second)) throw second;
      const advice = 'Finished pictures are kept. Retry with a smaller batch, or choose another provider in Settings.';
      throw new StudioError('engine-stopped', `The engine process stopped twice on the same pictures. ${advice}`, { cause: second });
    }
  }

  async #sample(
    job: Job,
    model: ModelPackage,
    batch: readonly PlannedPicture[],
    waiting: number,
    timeLeft: TimeLeft,
    signal: AbortSignal,
  ): Promise<Generated> {
    const { engine, settings, encoder, emit } = this.parts;
    const progress = new BatchProgress({ jobId: job.id, batch, waiting, manifest: model.manifest, encoder, timeLeft, emit });
    const request = {
      items: batch.map(({ classIndex, seed }) => ({ classIndex, seed })),
      sampling: job.request.sampling,
      previewEveryMs: Math.max(MIN_PREVIEW_MS, PREVIEW_MS_PER_PICTURE * batch.length),
    };
    try {
      return await engine.use(model, settings.get().provider, (session) => {
        timeLeft.restart();
        return session.generate(request, (step) => progress.step(step), signal);
      });
    } finally {
      // Progress that came after the pictures would show them masked again.
      await progress.settled();
    }
  }

  async #keep(job: Job, { manifest }: ModelPackage, picture: PlannedPicture, generated: Generated, i: number): Promise<void> {
    const result = generated.results[i];
    if (!result || !manifest.image)
      throw new StudioError('internal', 'The engine returned fewer pictures than were asked for. Retry the job.');
    const recipe: Recipe = {
      format: 1,
      studio: this.parts.version,
      model: { id: manifest.id, version: manifest.version },
      kind: 'image',
      verb: 'generate',
      className: picture.className,
      seed: picture.seed,
      sampling: job.request.sampling,
    };
    const { pixels, ...tokens } = result;
    const item = await this.parts.library.add({
      ...tokens,
      recipe,
      picture: { data: pixels, size: manifest.image.size },
      shape: manifest.tokens,
      durationMs: generated.ms / generated.results.length,
      job: { id: job.id, index: picture.index },
    });
    this.parts.emit({ name: 'itemAdded', payload: item });
  }

  #tell(job: Job): void {
    this.parts.emit({ name: 'job', payload: job });
  }
}
