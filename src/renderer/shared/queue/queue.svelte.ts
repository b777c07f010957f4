import type { Bridge, Job } from '../../../contract/index.js';
import { formatNumber, listNames, plural } from '../format.js';
import type { Notices } from '../notices.svelte.js';

/** Everything that runs, waits, or stopped before its end, pictures and speech: they take turns in one queue. */
export class Queue {
  all = $state.raw<readonly Job[]>([]);
  /** Texts that somebody took off the list: as takes they stay, on their own page. */
  #aside = $state.raw<ReadonlySet<string>>(new Set());
  /** Jobs stopped in an earlier session were stopped on purpose: they need no row. */
  readonly #openedAt = Date.now();

  constructor(
    private readonly bridge: Bridge,
    private readonly notices: Notices,
  ) {}

  get running(): Job | null {
    return this.all.find((job) => job.state === 'running') ?? null;
  }

  /** Queued and paused jobs, in the order in which they will run. */
  get waiting(): readonly Job[] {
    return this.all.filter((job) => job.state === 'queued' || job.state === 'paused').sort((a, b) => a.place - b.place);
  }

  /** Failed and stopped jobs that still wait for a decision, newest first. */
  get unfinished(): readonly Job[] {
    return this.all.filter((job) => this.#undecided(job)).sort((a, b) => b.createdAt - a.createdAt);
  }

  async load(): Promise<void> {
    const reply = await this.bridge.call('jobs.list', null);
    if (reply.ok) this.all = reply.value;
    else this.notices.error(reply.error.message);
  }

  onJob(job: Job): void {
    const known = this.all.some((j) => j.id === job.id);
    this.all = known ? this.all.map((j) => (j.id === job.id ? job : j)) : [...this.all, job];
    // What goes on may stop again.
    if (job.endedAt === null && this.#aside.has(job.id)) this.#aside = new Set([...this.#aside].filter((id) => id !== job.id));
  }

  onRemoved(ids: readonly string[]): void {
    this.all = this.all.filter((job) => !ids.includes(job.id));
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

  /** Stops everything that runs or waits. */
  async cancelAll(): Promise<void> {
    const reply = await this.bridge.call('jobs.cancelAll', null);
    if (reply.ok) for (const job of reply.value) this.onJob(job);
    else this.notices.error(reply.error.message);
  }

  /** One place up in the queue. */
  async moveUp(id: string): Promise<void> {
    const { waiting } = this;
    const before = waiting[waiting.findIndex((job) => job.id === id) - 1];
    if (!before) return;
    const reply = await this.bridge.call('jobs.move', { id, before: before.id });
    if (!reply.ok) this.notices.error(reply.error.message);
  }

  /** Takes an ended job off the list: pictures for good and everywhere, a text only here, as its take lives by its job. */
  async dismiss({ id, kind }: Job): Promise<void> {
    if (kind === 'speech') {
      this.#aside = new Set([...this.#aside, id]);
      return;
    }
    const reply = await this.bridge.call('jobs.remove', { ids: [id] });
    if (reply.ok) this.onRemoved([id]);
    else this.notices.error(reply.error.message);
  }

  #undecided({ id, kind, state, endedAt }: Job): boolean {
    if (this.#aside.has(id)) return false;
    const ofThisSession = (endedAt ?? 0) >= this.#openedAt;
    // A failed text of an earlier session still says so beside its take.
    return state === 'failed' ? kind === 'image' || ofThisSession : state === 'cancelled' && ofThisSession;
  }

  async #change(call: 'jobs.cancel' | 'jobs.retry' | 'jobs.pause' | 'jobs.resume', id: string): Promise<void> {
    const reply = await this.bridge.call(call, { id });
    if (reply.ok) this.onJob(reply.value);
    else this.notices.error(reply.error.message);
  }
}

/** What a person would call it: its classes, or the beginning of its text. */
export function nameOfJob(job: Job): string {
  if (job.kind === 'image') return listNames(job.request.classes);
  const text = job.request.text.trim().replace(/\s+/g, ' ');
  return text.length > NAME ? `${text.slice(0, NAME - 1)}…` : text;
}
const NAME = 60;

/** How far it has come, in words. */
export function stateOfJob(job: Job): string {
  const thing = job.kind === 'image' ? 'picture' : 'sentence';
  const all = plural(job.total, thing);
  const done = `${formatNumber(job.done)} of ${all}`;
  switch (job.state) {
    case 'queued':
      return `Waiting · ${job.done > 0 ? done : all}`;
    case 'running':
      return `${job.kind === 'image' ? 'Making' : 'Saying'} · ${done} done`;
    case 'paused':
      return `Paused after ${done}`;
    case 'cancelled':
      return `Stopped after ${done}`;
    case 'failed':
      return job.error ?? `Failed after ${done}.`;
    case 'done':
      return all;
  }
}
