import { type EventPayload, type Item, type Job, StudioError } from '../contract/index.js';
import type { Studio } from '../studio/index.js';
import { onInterrupt } from './interrupt.js';
import { exitCodes, note } from './output.js';

interface Watching {
  onProgress: (progress: EventPayload<'progress'>, job: Job) => void;
  /** What is done with each item as it comes; a rejection stops the job. */
  onItem?: (item: Item) => Promise<void>;
}

/** Starts a job and follows it to its end. Ctrl-C stops it between two steps. */
export async function followJob(studio: Studio, start: () => Promise<Job>, { onProgress, onItem }: Watching): Promise<Job> {
  let current: Job | undefined;
  const cancel = (): void => {
    if (current) void studio.call('jobs.cancel', { id: current.id });
  };
  let saved = Promise.resolve();
  const stopWatching = onInterrupt(cancel);
  let stopListening: (() => void) | undefined;
  try {
    const ended = new Promise<Job>((resolve) => {
      stopListening = studio.subscribe(({ name, payload }) => {
        if (name === 'progress' && current && payload.jobId === current.id) onProgress(payload, current);
        if (name === 'itemAdded' && onItem && payload.jobId === current?.id) {
          saved = saved.then(() => onItem(payload));
          // What can't be saved is told at the end; to make more of it would be in vain.
          saved.catch(cancel);
        }
        if (name !== 'job' || payload.id !== current?.id) return;
        current = payload;
        if (payload.state === 'done' || payload.state === 'failed' || payload.state === 'cancelled') resolve(payload);
      });
    });
    current = await start();
    const job = await ended;
    await saved;
    return job;
  } finally {
    stopWatching();
    stopListening?.();
  }
}

/** Says how a job ended, and gives the exit code for it. @throws StudioError where it failed */
export function conclude(job: Job, things: string, took: string): number {
  if (job.state === 'failed') throw new StudioError('internal', job.error ?? 'The job failed.');
  note(`${job.state === 'done' ? 'Made' : 'Stopped after'} ${job.done} of ${job.total} ${things} in ${took}.`);
  return job.state === 'done' ? exitCodes.done : exitCodes.interrupted;
}
