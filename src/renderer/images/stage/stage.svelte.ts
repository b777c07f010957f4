import type { EventPayload, ImageJob, Item } from '../../../contract/index.js';

/** One picture of the batch on its way. */
interface Tile {
  /** Index within the job. */
  readonly index: number;
  /** The latest preview, a picture file; null until the first. */
  readonly preview: Uint8Array<ArrayBuffer> | null;
  /** Masked depths of every position, `[L]`. */
  readonly k: Uint8Array;
}

export interface Frame {
  readonly jobId: string;
  readonly step: number;
  readonly steps: number;
  readonly secondsLeft: number | null;
  readonly tiles: readonly Tile[];
}

/** What the stage shows once a job is over. */
export interface Result {
  readonly job: ImageJob;
  readonly items: readonly Item[];
}

const RESULTS_SHOWN = 8;

/** The large pictures above the gallery: the batch while it unmasks, then the job's last pictures. */
export class Stage {
  frame = $state.raw<Frame | null>(null);
  result = $state.raw<Result | null>(null);
  #items: Item[] = [];

  onProgress(progress: EventPayload<'progress'>): void {
    const before = this.frame?.jobId === progress.jobId ? this.frame.tiles : [];
    this.result = null;
    this.frame = {
      jobId: progress.jobId,
      step: progress.step,
      steps: progress.steps,
      secondsLeft: progress.secondsLeft,
      tiles: progress.indices.map((index, n) => ({
        index,
        // A step without a preview keeps the picture of the step before.
        preview: progress.previews[n] ?? before.find((tile) => tile.index === index)?.preview ?? null,
        k: progress.k[n] ?? new Uint8Array(),
      })),
    };
  }

  onItem(item: Item): void {
    if (!this.#items.some((known) => known.id === item.id)) this.#items.push(item);
  }

  onJob(job: ImageJob): void {
    if (job.state === 'running' && job.id !== this.frame?.jobId) {
      this.frame = null;
      this.result = null;
      this.#items = this.#items.filter((item) => item.jobId === job.id);
    }
    if (job.state === 'running' || job.state === 'queued') return;
    if (job.state === 'paused') {
      // It goes on later: no result yet.
      if (this.frame?.jobId === job.id) this.frame = null;
      return;
    }
    if (this.frame && this.frame.jobId !== job.id) return;
    this.frame = null;
    const items = this.#items.filter((item) => item.jobId === job.id).slice(-RESULTS_SHOWN);
    this.#items = [];
    this.result = items.length > 0 ? { job, items } : null;
  }

  onRemoved(ids: readonly string[]): void {
    if (!this.result) return;
    const items = this.result.items.filter((item) => !ids.includes(item.id));
    this.result = items.length > 0 ? { ...this.result, items } : null;
  }

  dismiss(): void {
    this.result = null;
  }
}

/** Share of a job that is done, 0..1, counting the steps of the batch on its way. */
export function jobProgress(job: ImageJob, frame: Frame | null): number {
  if (job.total === 0) return 0;
  const partial = frame && frame.jobId === job.id ? (frame.tiles.length * frame.step) / frame.steps : 0;
  return Math.min(1, (job.done + partial) / job.total);
}
