import type { Bridge, ImageJob, Job, ParamsInput } from '../../contract/index.js';
import type { Notices } from '../shared/notices.svelte.js';

/** The queue as far as pictures go: running, waiting, and what stopped before its end. Speech is listed on its own page. */
export class Jobs {
  all = $state.raw<readonly ImageJob[]>([]);
  /** Jobs stopped in an earlier session were stopped on purpose: they need no row. */
  readonly #openedAt = Date.now();

  constructor(
    private readonly bridge: Bridge,
    private readonly notices: Notices,
  ) {}

  get running(): ImageJob | null {
    return this.all.find((job) => job.state === 'running') ?? null;
  }

  /** In the order in which they will run. */
  get queued(): readonly ImageJob[] {
    return this.waiting.filter((job) => job.state === 'queued');
  }

  /** Queued and paused jobs, in the order of the queue. */
  get waiting(): readonly ImageJob[] {
    return this.all.filter((job) => job.state === 'queued' || job.state === 'paused').sort((a, b) => a.place - b.place);
  }

  /** Failed and stopped jobs that still wait for a decision, newest first. */
  get unfinished(): readonly ImageJob[] {
    return this.all
      .filter((job) => job.state === 'failed' || (job.state === 'cancelled' && (job.endedAt ?? 0) >= this.#openedAt))
      .sort((a, b) => b.createdAt - a.createdAt);
  }

  get busy(): boolean {
    return this.all.some((job) => job.state === 'running' || job.state === 'queued');
  }

  async load(): Promise<void> {
    const reply = await this.bridge.call('jobs.list', null);
    if (reply.ok) this.all = reply.value.filter(isOfPictures);
    else this.notices.error(reply.error.message);
  }

  onJob(job: Job): void {
    if (!isOfPictures(job)) return;
    const known = this.all.some((j) => j.id === job.id);
    this.all = known ? this.all.map((j) => (j.id === job.id ? job : j)) : [...this.all, job];
  }

  onRemoved(ids: readonly string[]): void {
    this.all = this.all.filter((job) => !ids.includes(job.id));
  }

  async create(request: ParamsInput<'jobs.create'>): Promise<ImageJob | null> {
    const reply = await this.bridge.call('jobs.create', request);
    if (!reply.ok) {
      this.notices.error(reply.error.message);
      return null;
    }
    if (!isOfPictures(reply.value)) return null;
    // Its events may have come first, and know more.
    if (!this.all.some((job) => job.id === reply.value.id)) this.onJob(reply.value);
    return reply.value;
  }

  cancel(id: string): Promise<void> {
    return this.#change('jobs.cancel', id);
  }

  retry(id: string): Promise<void> {
    return this.#change('jobs.retry', id);
  }

  pause(id: string): Promise<void> {
    return this.#change('jobs.pause', id);
  }

  resume(id: string): Promise<void> {
    return this.#change('jobs.resume', id);
  }

  /** Stops every picture that runs or waits. Not `jobs.cancelAll`, which would stop speech as well. */
  async cancelAll(): Promise<void> {
    const open = this.all.filter((job) => job.endedAt === null);
    await Promise.all(open.map(({ id }) => this.cancel(id)));
  }

  /** One place up in the queue. */
  async moveUp(id: string): Promise<void> {
    const { waiting } = this;
    const before = waiting[waiting.findIndex((job) => job.id === id) - 1];
    if (!before) return;
    const reply = await this.bridge.call('jobs.move', { id, before: before.id });
    if (!reply.ok) this.notices.error(reply.error.message);
  }

  /** Takes an ended job off the list, for good and everywhere. */
  async dismiss(id: string): Promise<void> {
    const reply = await this.bridge.call('jobs.remove', { ids: [id] });
    if (reply.ok) this.onRemoved([id]);
    else this.notices.error(reply.error.message);
  }

  async #change(call: 'jobs.cancel' | 'jobs.retry' | 'jobs.pause' | 'jobs.resume', id: string): Promise<void> {
    const reply = await this.bridge.call(call, { id });
    if (reply.ok) this.onJob(reply.value);
    else this.notices.error(reply.error.message);
  }
}

function isOfPictures(job: Job): job is ImageJob {
  return job.kind === 'image';
}
