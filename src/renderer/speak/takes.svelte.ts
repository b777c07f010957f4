import type { Bridge, EventPayload, Item, Job, SpeechJob, Take } from '../../contract/index.js';
import type { Notices } from '../shared/notices.svelte.js';

/** Takes read at once: each is a call of its own. */
const PAGE = 20;

export interface Saying {
  readonly jobId: string;
  /** Place of the sentence on its way. */
  readonly index: number;
  readonly step: number;
  readonly steps: number;
  readonly secondsLeft: number | null;
}

/** What was said, newest first. */
export class Takes {
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  problem = $state('');
  jobs = $state.raw<readonly SpeechJob[]>([]);
  /** Of each job that is listed, as far as it is read. */
  byJob = $state.raw<ReadonlyMap<string, Take>>(new Map());
  /** The sentence that is being made. */
  saying = $state.raw<Saying | null>(null);
  /** How many of the newest are listed. */
  shown = $state(PAGE);
  /** Newest question about each take: an older answer would put back what has changed since. */
  #asked = new Map<string, number>();

  constructor(
    private readonly bridge: Bridge,
    private readonly notices: Notices,
  ) {}

  /** Without takes that are over and of which nothing is left: what they said is in the trash, or was deleted for good. */
  get list(): readonly SpeechJob[] {
    return this.#page.filter((job) => isOpen(job) || job.state === 'failed' || !this.#isEmpty(job.id));
  }

  get more(): boolean {
    return this.jobs.length > this.shown;
  }

  /** The take that runs, or the next in the queue. */
  get open(): SpeechJob | null {
    return this.jobs.find(({ state }) => state === 'running') ?? this.jobs.findLast(({ state }) => state === 'queued') ?? null;
  }

  async load(): Promise<void> {
    const reply = await this.bridge.call('jobs.list', null);
    if (!reply.ok) {
      if (this.phase === 'ready') return void this.notices.error(reply.error.message);
      this.problem = reply.error.message;
      this.phase = 'failed';
      return;
    }
    this.jobs = reply.value.filter(isSpeech).sort((a, b) => b.createdAt - a.createdAt);
    await this.#readPage();
    this.phase = 'ready';
  }

  async showMore(): Promise<void> {
    this.shown += PAGE;
    await this.#readPage();
  }

  onJob(job: Job): void {
    if (!isSpeech(job)) return;
    const known = this.jobs.some(({ id }) => id === job.id);
    this.jobs = known ? this.jobs.map((j) => (j.id === job.id ? job : j)) : [job, ...this.jobs];
    if (job.state !== 'running' && this.saying?.jobId === job.id) this.saying = null;
    if (this.#page.some(({ id }) => id === job.id)) void this.read(job.id);
  }

  onProgress({ jobId, indices, step, steps, secondsLeft }: EventPayload<'progress'>): void {
    if (this.jobs.some(({ id }) => id === jobId)) this.saying = { jobId, index: indices[0] ?? 0, step, steps, secondsLeft };
  }

  onItem({ jobId }: Item): void {
    if (jobId !== null && this.jobs.some(({ id }) => id === jobId)) void this.read(jobId);
  }

  onItemsRemoved(ids: readonly string[]): void {
    for (const [job, { sentences }] of this.byJob) if (sentences.some(({ item }) => item && ids.includes(item.id))) void this.read(job);
  }

  onJobsRemoved(ids: readonly string[]): void {
    this.jobs = this.jobs.filter(({ id }) => !ids.includes(id));
  }

  async read(job: string): Promise<void> {
    const asked = (this.#asked.get(job) ?? 0) + 1;
    this.#asked.set(job, asked);
    const reply = await this.bridge.call('speech.take', { job });
    if (this.#asked.get(job) !== asked) return;
    if (reply.ok) this.byJob = new Map(this.byJob).set(job, reply.value);
    else this.notices.error(reply.error.message);
  }

  get #page(): readonly SpeechJob[] {
    return this.jobs.slice(0, this.shown);
  }

  async #readPage(): Promise<void> {
    await Promise.all(this.#page.map(({ id }) => this.read(id)));
  }

  #isEmpty(job: string): boolean {
    return this.byJob.get(job)?.sentences.every(({ item }) => item === null) ?? false;
  }
}

/** Whether it runs or will. */
export function isOpen({ state }: Job): boolean {
  return state === 'running' || state === 'queued' || state === 'paused';
}

function isSpeech(job: Job): job is SpeechJob {
  return job.kind === 'speech';
}
