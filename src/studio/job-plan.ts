import { isDeepStrictEqual } from 'node:util';
import { distance } from 'fastest-levenshtein';
import { type ImageRequest, JOB_LIMITS, type Manifest, type Recipe, StudioError } from '../contract/index.js';

/** One picture of a job. */
export interface PlannedPicture {
  /** Place in the job. */
  index: number;
  className: string;
  classIndex: number;
  seed: number;
}

/**
 * Every picture that a request asks for, in order.
 * @throws StudioError `bad-request`: a class the model does not know, or too many pictures
 */
export function planJob(request: ImageRequest, manifest: Manifest): PlannedPicture[] {
  if (!manifest.files.step || manifest.kind !== 'image') {
    throw new StudioError('bad-request', `The model “${manifest.id}” can't make new pictures. Choose another model.`);
  }
  const classes = [...new Set(request.classes)];
  const total = classes.length * request.count;
  if (total > JOB_LIMITS.itemsPerJob) {
    const most = JOB_LIMITS.itemsPerJob.toLocaleString('en');
    throw new StudioError(
      'bad-request',
      `That is ${total.toLocaleString('en')} pictures, and a job makes at most ${most}. Lower the count or choose fewer classes.`,
    );
  }
  return classes.flatMap((className, c) => {
    const classIndex = findClass(className, manifest);
    return Array.from({ length: request.count }, (_, i) => ({
      index: c * request.count + i,
      className,
      classIndex,
      seed: (request.seed + i) % 2 ** 32,
    }));
  });
}

/** The place of such a picture in what a request asks for, or null where it asks for no such one. */
export function placeInPlan({ model, classes, count, seed, sampling }: ImageRequest, recipe: Recipe): number | null {
  if (recipe.verb !== 'generate' || recipe.model.id !== model || recipe.className === undefined || recipe.seed === undefined) return null;
  const c = [...new Set(classes)].indexOf(recipe.className);
  const i = (recipe.seed - seed + 2 ** 32) % 2 ** 32;
  return c >= 0 && i < count && isDeepStrictEqual(recipe.sampling, sampling) ? c * count + i : null;
}

/** @throws StudioError `bad-request` with the names that may have been meant */
export function findClass(name: string, { id, classes }: Manifest): number {
  const index = classes.indexOf(name);
  if (index >= 0) return index;
  const near = nearest(name, classes);
  const advice = near.length > 0 ? `Did you mean ${near.map((n) => `“${n}”`).join(' or ')}?` : 'Choose one from its list.';
  throw new StudioError('bad-request', `The model “${id}” has no class “${name}”. ${advice}`);
}

/** Up to three names that the person may have meant: near in spelling, or having this one in them. */
function nearest(name: string, names: readonly string[]): string[] {
  const wanted = name.toLowerCase();
  return names
    .map((candidate) => {
      const lower = candidate.toLowerCase();
      return { candidate, score: lower.includes(wanted) && wanted.length >= 3 ? 1 : distance(wanted, lower) };
    })
    .filter(({ score }) => score <= Math.max(1, Math.floor(name.length / 3)))
    .sort((a, b) => a.score - b.score)
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}
