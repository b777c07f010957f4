import type { Manifest, StudioEvent } from '../contract/index.js';
import type { StepReply } from './engine-link.js';
import type { PlannedPicture } from './job-plan.js';
import type { PictureEncoder } from './pictures.js';
import type { TimeLeft } from './time-left.js';

interface Context {
  jobId: string;
  batch: readonly PlannedPicture[];
  /** Pictures of the job that come after this batch. */
  waiting: number;
  manifest: Manifest;
  encoder: PictureEncoder;
  timeLeft: TimeLeft;
  emit: (event: StudioEvent) => void;
}

/** Turns the engine's steps of one batch into progress events, in order although previews take a moment to encode. */
export class BatchProgress {
  #told: Promise<void> = Promise.resolve();

  constructor(private readonly context: Context) {}

  step(reply: StepReply): void {
    const { jobId, batch, waiting, manifest, encoder, timeLeft, emit } = this.context;
    const { step, steps, k, masked } = reply;
    const { L, D } = manifest.tokens;
    const size = manifest.image?.size ?? 0;
    const secondsLeft = timeLeft.afterStep(batch.length, (steps - step) * batch.length + steps * waiting);
    // A preview that can't be encoded is no reason to lose the picture.
    const encoded = Promise.all(reply.previews.map((data) => encoder.preview({ data, size }))).catch(() => []);
    this.#told = this.#told.then(async () => {
      const previews = await encoded;
      const indices = batch.map(({ index }) => index);
      emit({ name: 'progress', payload: { jobId, indices, step, steps, masked, tokens: L * D, previews, k, secondsLeft } });
    });
  }

  /** Resolves when every step so far has been told. */
  async settled(): Promise<void> {
    await this.#told;
  }
}
