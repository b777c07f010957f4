import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { fewArenas } from '../../scripts/lib/project.mjs';
import { bundleEngineProcess } from '../unit/engine/engine-process.js';
import { temporaryFolder } from '../unit/studio/support.js';
import { bundleHost } from './bundle.js';
import { ROUNDS } from './rounds.js';

/** Fifty rounds, the long form, are an eight-hour day of 2,000 jobs. */
const JOBS = 40 * ROUNDS;
const EVERY = JOBS / 20;
const LONG = ROUNDS >= 50;
/** A job takes half a second where nothing else runs, and several where much does. */
const TIMEOUT_MS = 120_000 + JOBS * 3000;
/**
 * The share of the jobs after which caches are full, code is compiled, V8 has given the engine all the space for young objects that it ever will,
 * and every length of sentence has been seen: that takes some sixty jobs.
 */
const WARM = LONG ? 0.1 : 0.5;
/** Of the jobs after that, the last quarter may take so much more than the first. A short run is over before the rest has settled. */
const GROWTH = LONG ? 1.05 : 1.15;
/**
 * The same of the studio's JavaScript alone, a fourth of its memory: it keeps the codes of items that it has counted, up to 64 MB, which is a kilobyte
 * a job of these, and V8 compiles some more code for as long as it runs.
 */
const HEAP_GROWTH = LONG ? 1.1 : 1.15;

const MODELS = [resolve('test', 'fixtures', 'models'), resolve('test', 'fixtures', 'speech')].join(':');

test.runIf(process.platform === 'linux')(
  `${JOBS} small jobs of pictures and speech, with exports, edits and imports between them, leave the memory of both processes as it was`,
  async () => {
    const [host, engine] = await Promise.all([bundleHost('soak-host'), bundleEngineProcess('soak')]);
    const child = spawn(process.execPath, ['--expose-gc', host, temporaryFolder(), engine, MODELS, String(JOBS), String(EVERY)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...fewArenas, RESGEN_THREADS: '1' },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const exited = once(child, 'exit');
    const samples: { jobs: number; studio: number; engine: number; heap: number; external: number }[] = [];
    let engines = 0;
    for await (const line of createInterface(child.stdout)) {
      const [what, ...numbers] = line.split(' ');
      const [jobs = 0, studio = 0, engineBytes = 0, heap = 0, external = 0] = numbers.map(Number);
      if (what === 'memory') samples.push({ jobs, studio, engine: engineBytes, heap, external });
      else if (what === 'engines') engines = jobs;
    }
    expect((await exited)[0]).toBe(0);
    expect(samples.at(-1)?.jobs).toBe(JOBS);
    // One that had crashed would have begun with a small memory again.
    expect(engines).toBe(1);

    const warm = samples.filter(({ jobs }) => jobs >= WARM * JOBS);
    const quarter = Math.ceil(warm.length / 4);
    // The heap is a part of the studio's memory, and says whether it is JavaScript that holds on to something.
    for (const part of ['studio', 'engine', 'heap', 'external'] as const) {
      const before = median(warm.slice(0, quarter).map((sample) => sample[part]));
      const after = median(warm.slice(-quarter).map((sample) => sample[part]));
      console.log(`soak: ${part} ${megabytes(before)} after warming up, ${megabytes(after)} after ${JOBS} jobs`);
      expect(after, samples.map((sample) => megabytes(sample[part])).join(', ')).toBeLessThan(
        before * (part === 'heap' ? HEAP_GROWTH : GROWTH),
      );
    }
  },
  TIMEOUT_MS,
);

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
