import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Sampling } from '../../../src/contract/sampling.js';

/** A package with random weights: L = 4 as [2, 2], D = 4, V = 16, H = 8, K = 8, three classes, 16 px. */
export const TINY = resolve('test/fixtures/models/tiny');
export const TINY_SHAPE = { L: 4, D: 4, V: 16, H: 8, K: 8 };

export const SAMPLING: Sampling = {
  steps: 6,
  schedule: 'circle',
  guidanceFrom: 0.1,
  guidanceTo: 1.5,
  topP: 0.9,
  tau: 4,
  noise: 0.7,
  reveal: 'confidence',
};

/** Gone when the test that asked for it ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'resgen-engine-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

/** A copy of the tiny package that a test may spoil. */
export async function tinyCopy(): Promise<string> {
  const folder = join(await temporaryFolder(), 'tiny');
  await cp(TINY, folder, { recursive: true });
  return folder;
}
