import type { Sampling } from '../src/contract/sampling.js';
import type { ModelPackage } from '../src/engine/index.js';

export interface Load {
  steps: number;
  batch: number;
  rounds: number;
  threads: number;
}

/** The middle one, or the mean of the two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return ((sorted[middle] ?? Number.NaN) + (sorted[sorted.length - 1 - middle] ?? Number.NaN)) / 2;
}

/** Pictures of the first classes, one seed after another. */
export function batchOf({ manifest }: ModelPackage, batch: number, seed: number) {
  return Array.from({ length: batch }, (_, b) => ({ condition: b % manifest.classes.length, seed: seed + b }));
}

/** As most people sample, with another number of steps. */
export function samplingOf({ manifest }: ModelPackage, steps: number): Sampling {
  const preset = manifest.presets.find(({ id }) => id === 'balanced') ?? manifest.presets[0];
  if (!preset) throw new Error(`The package ${manifest.id} has no preset.`);
  return { ...preset.sampling, steps };
}
