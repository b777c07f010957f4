import type { Bridge, Job, ParamsInput } from '../../contract/index.js';
import type { Notices } from '../shared/notices.svelte.js';

/** The queue: running, waiting, and what stopped before its end. */
export class Jobs {
  all = $state.raw<readonly Job[]>([]);
  #dismissed = $state.raw<ReadonlySet<string>>(new Set());
  /** Jobs stopped in an earlier session were stopped on purpose: they need no row. */
  readonly #openedAt = Date.now();

  constructor(
    private readonly bridge: Bridge,
    private readonly notices: Notices,
  ) {}

  get running(): Job | null {
    return this.all.find((job) => job.state === 'running') ?? null;
  }

  /** In the order in which they will run. */
  get queued(): readonly Job[] {
    return this.all.filter((job) => job.state === 'queued').sort((a, b) => a.createdAt - b.createdAt);
  }

  /** Failed and stopped jobs that still wait for a decision, newest first. */
  get unfinished(): readonly Job[] {
    return this.all
      .filter((job) => job.state === 'failed' || (job.state === 'cancelled' && (job.endedAt ?? 0) >= this.#openedAt))
      .filter((job) => !this.#dismissed.has(job.id))
      .sort((a, b) => b.createdAt - a.createdAt);
  }

  get busy(): boolean {
    return this.all.some((job) => job.state === 'running' || job.state === 'queued');
  }

  async load(): Promise<void> {
    const reply = await this.bridge.call('jobs.list', null);
    if (reply.ok) this.all = reply.value;
    else this.notices.error(reply.error.message);
  }

  onJob(job: Job): void {
    const known = this.all.some((j) => j.id === job.id);
    this.all = known ? this.all.map((j) => (j.id === job.id ? job : j)) : [...this.all, job];
  }

  async create(request: ParamsInput<'jobs.create'>): Promise<Job | null> {
    const reply = await this.bridge.call('jobs.create', request);
    if (!reply.ok) {
      this.notices.error(reply.error.message);
      return null;
    }
    // Its events may have come first, and know more.
    if (!this.all.some((job) => job.id === reply.value.id)) this.onJob(reply.value);
    return reply.value;
  }

  async cancel(id: string): Promise<void> {
    const reply = await this.bridge.call('jobs.cancel', { id });
    if (reply.ok) this.onJob(reply.value);
    else this.notices.error(reply.error.message);
  }

  async retry(id: string): Promise<void> {
    const reply = await this.bridge.call('jobs.retry', { id });
    if (reply.ok) this.onJob(reply.value);
    else this.notices.error(reply.error.message);
  }

  dismiss(id: string): void {
    this.#dismissed = new Set([...this.#dismissed, id]);
  }
}
