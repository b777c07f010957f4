import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type EventPayload, type ImageRequest, type Item, type Job, type Manifest, StudioError } from '../contract/index.js';
import type { Studio } from '../studio/index.js';
import { conclude, followJob } from './follow-job.js';
import { type Host, ask, takeRecipeChoice, withStudio } from './host.js';
import { ProgressLine, duration, printResult } from './output.js';
import { samplingOf } from './sampling.js';
import { alreadyThere, folderName, saveTo } from './target.js';

export interface ImageOptions {
  model: string;
  class: string[];
  count: number;
  seed?: number;
  steps?: number;
  preset?: string;
  set: string[];
  batch: number;
  out: string;
  overwrite: boolean;
  tokens: boolean;
  recipe?: boolean;
  keep: boolean;
  json: boolean;
}

/** `resgen image`: one job, and each picture copied to its place as soon as it is done. */
export async function image(host: Host, options: ImageOptions): Promise<number> {
  return withStudio(host, options.keep, async (studio) => {
    const manifest = await manifestOf(studio, options.model);
    const request: ImageRequest = {
      model: options.model,
      classes: [...new Set(options.class)],
      count: options.count,
      seed: options.seed ?? randomInt(2 ** 32),
      sampling: samplingOf(manifest, options.preset, options.steps, options.set),
      batch: options.batch,
    };
    if (!options.overwrite) refuseExisting(request, options);
    if (!options.keep) await takeRecipeChoice(host, studio, options.recipe);
    return run(studio, request, options);
  });
}

export async function manifestOf(studio: Studio, id: string): Promise<Manifest> {
  const models = await ask(studio, 'models.list', null);
  const model = models.find((m) => m.id === id && m.manifest) ?? models.find((m) => m.id === id);
  if (model?.manifest) return model.manifest;
  if (model) throw new StudioError('bad-model', model.problem ?? `The model “${id}” can't be used.`);
  const usable = models.filter((m) => m.manifest).map((m) => m.id);
  throw new StudioError(
    'bad-request',
    `There is no model “${id}”. ${usable.length > 0 ? `There is: ${usable.join(', ')}.` : 'Run “resgen doctor” to see where it is looked for.'}`,
  );
}

const fileOf = (out: string, className: string, seed: number, extension: string): string =>
  join(out, folderName(className), `${seed}.${extension}`);

/** Before the first step: an hour's work should not end on a file that was there all the time. */
function refuseExisting({ classes, count, seed }: ImageRequest, { out, tokens }: ImageOptions): void {
  for (const className of classes) {
    for (let i = 0; i < count; i++) {
      for (const extension of tokens ? ['png', 'safetensors'] : ['png']) {
        const file = fileOf(out, className, (seed + i) % 2 ** 32, extension);
        if (existsSync(file)) throw alreadyThere(file);
      }
    }
  }
}

async function run(studio: Studio, request: ImageRequest, options: ImageOptions): Promise<number> {
  const line = new ProgressLine();
  const started = performance.now();
  try {
    const job = await followJob(studio, () => ask(studio, 'jobs.create', request), {
      onProgress: (progress, current) => line.show(describe(progress, current)),
      onItem: (item) => save(studio, item, options, line),
    });
    line.clear();
    return conclude(job, 'pictures', duration((performance.now() - started) / 1000));
  } finally {
    line.clear();
  }
}

async function save(studio: Studio, item: Item, options: ImageOptions, line: ProgressLine): Promise<void> {
  const { className = item.id, seed = 0 } = item.recipe;
  const file = fileOf(options.out, className, seed, 'png');
  const exported = await ask(studio, 'items.export', { ids: [item.id], format: 'png' });
  await copyAsset(studio, exported.url, file, options.overwrite);
  if (options.tokens) {
    await saveTokens(studio, item, { file: fileOf(options.out, className, seed, 'safetensors'), overwrite: options.overwrite });
  }
  line.clear();
  printResult(
    options.json,
    { file, class: className, seed, model: item.recipe.model, sampling: item.recipe.sampling, ms: item.durationMs },
    file,
  );
}

/** The tokens of an item as a file. @param recipe false leaves it out also where settings would not */
export async function saveTokens(
  studio: Studio,
  { id }: Item,
  { file, overwrite, recipe = true }: { file: string; overwrite: boolean; recipe?: boolean },
): Promise<void> {
  const exported = await ask(studio, 'tokens.export', { id, format: 'safetensors', recipe });
  await copyAsset(studio, exported.url, file, overwrite);
}

export async function copyAsset(studio: Studio, url: string, file: string, overwrite: boolean): Promise<void> {
  const asset = await studio.asset(url);
  if (!asset) throw new StudioError('internal', `The studio lost the file for ${file}. Try again.`);
  await saveTo(file, { from: asset.file }, overwrite);
}

function describe({ step, steps, secondsLeft }: EventPayload<'progress'>, { done, total }: Job): string {
  const left = secondsLeft === null ? '' : `, ${duration(secondsLeft)} left`;
  return `${done} of ${total} pictures, step ${step} of ${steps}${left}`;
}
