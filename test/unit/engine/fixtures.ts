import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Engine, type SpeakItem, readPackageFile, readSafetensors } from '../../../src/engine/index.js';
import type { Sampling } from '../../../src/contract/sampling.js';

/** A package with random weights: L = 4 as [2, 2], D = 4, V = 16, H = 8, K = 8, three classes, 16 px. */
export const TINY = resolve('test/fixtures/models/tiny');
export const TINY_SHAPE = { L: 4, D: 4, V: 16, H: 8, K: 8 };

/** One that speaks, with random weights: 100 positions a second of 4 depths, 4 text frames a position. */
export const TINY_VOICE = resolve('test/fixtures/speech/tiny-voice');

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

/** The sentence that a speaking package has recorded, with its seed in PyTorch. */
export async function recordedSentence({ pack }: Engine): Promise<SpeakItem> {
  const golden = readSafetensors(await readPackageFile(pack, 'golden'));
  const numbers = (name: string): number[] => [...(golden.tensors.get(`speech.in.${name}`)?.data ?? [])];
  return {
    phones: numbers('phones'),
    ms: numbers('ms'),
    speed: 1.25,
    prompt: Int32Array.from(numbers('prompt')),
    seed: new Uint32Array(Int32Array.from(numbers('seed')))[0] ?? 0,
  };
}

export type Json = Record<string, unknown>;

export async function changeManifest(folder: string, change: (manifest: Json) => void): Promise<void> {
  const path = join(folder, 'model.json');
  const manifest = JSON.parse(await readFile(path, 'utf8')) as Json;
  change(manifest);
  await writeFile(path, JSON.stringify(manifest));
}

/** Puts other bytes in a file and makes the manifest agree with them: what only a look inside can find. */
export async function replaceFile(folder: string, name: string, path: string, bytes: Uint8Array): Promise<void> {
  await writeFile(join(folder, path), bytes);
  await changeManifest(folder, (manifest) => {
    (manifest['files'] as Json)[name] = { path, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  });
}
