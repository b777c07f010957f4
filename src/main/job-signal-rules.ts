import type { EventPayload, Job, StudioEvent } from '../contract/index.js';

/** A job shorter than this is over before anybody has looked elsewhere. */
const LONG_MS = 20_000;

export interface SignalParts {
  /** Whether the person has the window in front of them. */
  isWatched(): boolean;
  /** Share done, 0..1; null for none. */
  progress(share: number | null, mode: 'normal' | 'paused'): void;
  notify(title: string, body: string): void;
}

/** When the icon shows progress, and which ends of jobs are worth a notification. Knows no Electron. */
export class JobSignals {
  #running: Job | null = null;

  constructor(private readonly parts: SignalParts) {}

  onEvent(event: StudioEvent): void {
    if (event.name === 'job') this.#onJob(event.payload);
    else if (event.name === 'progress') this.#onProgress(event.payload);
  }

  #onJob(job: Job): void {
    if (job.state === 'running') {
      this.#running = job;
      this.parts.progress(job.done / job.total, 'normal');
      return;
    }
    if (this.#running?.id !== job.id) return;
    const { startedAt } = this.#running;
    this.#running = null;
    if (job.state === 'paused') this.parts.progress(job.done / job.total, 'paused');
    else this.parts.progress(null, 'normal');
    const took = (job.endedAt ?? 0) - (startedAt ?? 0);
    if (took < LONG_MS || this.parts.isWatched()) return;
    const what = (job.kind === 'image' ? job.request.classes.join(', ') : `“${job.request.text.trim()}”`).slice(0, 80);
    if (job.state === 'done' && job.kind === 'speech') this.parts.notify('Speech is ready', what);
    else if (job.state === 'done') this.parts.notify('Pictures are ready', `${job.done} of ${what}`);
    else if (job.state === 'failed') this.parts.notify(`Making ${what} stopped`, job.error ?? 'Open the studio to see why.');
  }

  #onProgress({ jobId, indices, step, steps }: EventPayload<'progress'>): void {
    const job = this.#running;
    if (job?.id !== jobId) return;
    this.parts.progress(Math.min(1, (job.done + (indices.length * step) / steps) / job.total), 'normal');
  }
}
