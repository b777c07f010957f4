import type { Bridge, ImageJob, Job, ParamsInput } from '../../contract/index.js';
import type { Notices } from '../shared/notices.svelte.js';
import type { Queue } from '../shared/queue/queue.svelte.js';

/** The pictures of the queue. */
export class Jobs {
  constructor(
    private readonly queue: Queue,
    private readonly bridge: Bridge,
    private readonly notices: Notices,
  ) {}

  get all(): readonly ImageJob[] {
    return this.queue.all.filter(isOfPictures);
  }

  get running(): ImageJob | null {
    const { running } = this.queue;
    return running && isOfPictures(running) ? running : null;
  }

  /** In the order in which they will run. */
  get queued(): readonly ImageJob[] {
    return this.queue.waiting.filter(isOfPictures).filter((job) => job.state === 'queued');
  }

  get busy(): boolean {
    return this.running !== null || this.queued.length > 0;
  }

  async create(request: ParamsInput<'jobs.create'>): Promise<ImageJob | null> {
    const reply = await this.bridge.call('jobs.create', request);
    if (!reply.ok) {
      this.notices.error(reply.error.message);
      return null;
    }
    if (!isOfPictures(reply.value)) return null;
    // Its events may have come first, and know more.
    if (!this.queue.all.some((job) => job.id === reply.value.id)) this.queue.onJob(reply.value);
    return reply.value;
  }

  cancel(id: string): Promise<void> {
    return this.queue.cancel(id);
  }

  pause(id: string): Promise<void> {
    return this.queue.pause(id);
  }
}

function isOfPictures(job: Job): job is ImageJob {
  return job.kind === 'image';
}
