import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { bundleEngineProcess } from '../unit/engine/engine-process.js';
import { temporaryFolder } from '../unit/studio/support.js';
import { bundleHost } from './bundle.js';
import { ROUNDS, TIMEOUT_MS } from './rounds.js';

/** Fifty rounds, the long form, are an eight-hour day of 2,000 jobs. */
const JOBS = 40 * ROUNDS;
const EVERY = JOBS / 20;
/** Until then caches fill and code is compiled. */
const WARM = 0.4;
/** A short run is measured while V8 still settles. */
const GROWTH = ROUNDS >= 50 ? 1.05 : 1.15;

const MODELS = resolve('test', 'fixtures', 'models');

test.runIf(process.platform === 'linux')(
  `${JOBS} small jobs, with exports, edits and imports between them, leave the memory of both processes as it was`,
  async () => {
    const [host, engine] = await Promise.all([bundleHost('soak-host'), bundleEngineProcess('soak')]);
    const child = spawn(process.execPath, ['--expose-gc', host, temporaryFolder(), engine, MODELS, String(JOBS), String(EVERY)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, RESGEN_THREADS: '1' },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const exited = once(child, 'exit');
    const samples: { jobs: number; studio: number; engine: number }[] = [];
    let engines = 0;
    for await (const line of createInterface(child.stdout)) {
      const [what, ...numbers] = line.split(' ');
      const [jobs = 0, studio = 0, engineBytes = 0] = numbers.map(Number);
      if (what === 'memory') samples.push({ jobs, studio, engine: engineBytes });
      else if (what === 'engines') engines = jobs;
    }
    expect((await exited)[0]).toBe(0);
    expect(samples.at(-1)?.jobs).toBe(JOBS);
    // One that had crashed would have begun with a small memory again.
    expect(engines).toBe(1);

    const warm = samples.filter(({ jobs }) => jobs >= WARM * JOBS);
    const third = Math.ceil(warm.length / 3);
    for (const process of ['studio', 'engine'] as const) {
      const before = median(warm.slice(0, third).map((sample) => sample[process]));
      const after = median(warm.slice(-third).map((sample) => sample[process]));
      console.log(`soak: ${process} ${megabytes(before)} after warming up, ${megabytes(after)} after ${JOBS} jobs`);
      expect(after, samples.map((sample) => megabytes(sample[process])).join(', ')).toBeLessThan(before * GROWTH);
    }
  },
  TIMEOUT_MS * 2,
);

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
