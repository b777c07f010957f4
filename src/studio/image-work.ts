import { type ImageJob, type Recipe, StudioError } from '../contract/index.js';
import type { ModelPackage } from '../engine/package.js';
import { BatchProgress } from './batch-progress.js';
import type { Engine, Generated } from './engine.js';
import type { ItemsStore } from './items-store.js';
import { type PlannedPicture, placeInPlan, planJob } from './job-plan.js';
import type { Emit, JobWork, Prepared, Running } from './job-work.js';
import type { Library } from './library.js';
import type { Models } from './models.js';
import type { PictureEncoder } from './pictures.js';
import type { SettingsStore } from './settings-store.js';
import { TimeLeft } from './time-left.js';

interface Parts {
  items: ItemsStore;
  library: Library;
  models: Models;
  settings: SettingsStore;
  engine: Engine;
  encoder: PictureEncoder;
  emit: Emit;
  version: string;
}

/** Previews are encoded here, one by one: bigger batches get fewer of them, so that they do not hold up the work. */
const PREVIEW_MS_PER_PICTURE = 15;
const MIN_PREVIEW_MS = 100;

/** Pictures of classes, sampled in batches. */
export class ImageWork implements JobWork<ImageJob> {
  constructor(private readonly parts: Parts) {}

  /** @throws StudioError `not-found`, `bad-model` or `bad-request` */
  async prepare(request: ImageJob['request']): Promise<Prepared> {
    const { manifest } = await this.parts.models.find(request.model);
    return { total: planJob(request, manifest).length };
  }

  placeInPlan({ request }: ImageJob, recipe: Recipe): number | null {
    return placeInPlan(request, recipe);
  }

  async run(job: ImageJob, { signal, kept, retryOnce }: Running): Promise<void> {
    const { request } = job;
    const model = await this.parts.models.find(request.model);
    const finished = this.parts.items.finished(job.id);
    let waiting = planJob(request, model.manifest).filter(({ index }) => !finished.has(index));
    const timeLeft = new TimeLeft();
    while (waiting.length > 0) {
      const batch = waiting.slice(0, request.batch);
      waiting = waiting.slice(request.batch);
      const generated = await retryOnce('pictures', () => this.#sample(job, model, batch, waiting.length, timeLeft, signal));
      for (const [i, picture] of batch.entries()) {
        await this.#keep(job, model, picture, generated, i);
        kept();
      }
    }
  }

  async #sample(
    job: ImageJob,
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

  async #keep(job: ImageJob, { manifest }: ModelPackage, picture: PlannedPicture, generated: Generated, i: number): Promise<void> {
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
}
