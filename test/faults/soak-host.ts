import { writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { CallName, EngineProcess, ParamsInput, Result, Sampling } from '../../src/contract/index.js';
import { createStudio, nodeEngine } from '../../src/studio/index.js';

/**
 * A studio that works: `node --expose-gc soak-host.mjs DATA ENGINE MODELS JOBS EVERY`. Runs so many small jobs, with what people do between
 * them, and says after every few how much memory the studio's process and the engine's take: `memory JOBS STUDIO_BYTES ENGINE_BYTES`.
 */
const [data = '', engineFile = '', models = '', jobs = '', every = ''] = process.argv.slice(2);
const [JOBS, EVERY] = [Number(jobs), Number(every)];
const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEklEQVR4nGP4z8CAFWEXHbQSACj/P8Fu7N9hAAAAAElFTkSuQmCC',
  'base64',
);
const SAMPLING: Sampling = {
  steps: 2,
  schedule: 'circle',
  guidanceFrom: 0,
  guidanceTo: 1.5,
  topP: 0.9,
  tau: 4,
  noise: 0.7,
  reveal: 'confidence',
};

let engine: EngineProcess | undefined;
let engines = 0;
const start = nodeEngine(engineFile);
const studio = createStudio({
  host: 'cli',
  version: '0.1.0',
  modelFolders: [models],
  dataFolder: data,
  spawnEngine: () => {
    engines++;
    return (engine = start());
  },
});

async function ask<N extends CallName>(name: N, params: ParamsInput<N>): Promise<Result<N>> {
  const reply = await studio.call(name, params);
  if (!reply.ok) throw new Error(`${name}: ${reply.error.message}`);
  return reply.value;
}

/** Jobs, few at a time in the queue as a person would have them. */
async function work(from: number, to: number): Promise<void> {
  let left = to - from;
  const ended = new Promise<void>((resolve, reject) => {
    const stop = studio.subscribe((event) => {
      if (event.name !== 'job' || event.payload.endedAt === null) return;
      if (event.payload.state !== 'done') reject(new Error(`A job ended as ${event.payload.state}: ${event.payload.error}`));
      if (--left > 0) return;
      stop();
      resolve();
    });
  });
  for (let i = from; i < to; i++) {
    const count = 1 + (i % 3);
    const request = { model: 'tiny', classes: [['Circle'], ['Circle', 'Square']][i % 2] ?? [], count, seed: i * 10, batch: 1 + (i % 4) };
    await ask('jobs.create', { ...request, sampling: { ...SAMPLING, steps: 1 + (i % 3) } });
  }
  await ended;
}

/** What a person does between two jobs. */
async function look(): Promise<void> {
  const { items } = await ask('items.list', { limit: 50, before: null, kind: null, search: 'circle' });
  const [a, b] = items;
  if (!a || !b) throw new Error('The library has no items.');
  await ask('items.export', { ids: [a.id, b.id], format: 'webp' });
  await ask('tokens.get', { id: a.id });
  await ask('tokens.decode', { id: a.id, views: [{ depth: 1 }, { depth: 2 }] });
  await ask('tokens.edit', { id: a.id, edit: { kind: 'resampleBelow', depth: 1 }, seed: 1, className: 'Circle' });
  await ask('items.import', { name: 'a.png', bytes: new Uint8Array(PICTURE), model: 'tiny' });
  await ask('items.remove', { ids: [b.id] });
  await ask('items.purge', { ids: null });
}

const collect = (globalThis as { gc?: () => void }).gc;
if (!collect) throw new Error('Run it with --expose-gc.');
for (let done = 0; done < JOBS; done += EVERY) {
  await work(done, done + EVERY);
  await look();
  collect();
  // Files and pictures that were in use are given back a moment after.
  await delay(50);
  collect();
  writeSync(1, `memory ${done + EVERY} ${process.memoryUsage.rss()} ${engine?.residentBytes() ?? 0}\n`);
}
writeSync(1, `engines ${engines}\n`);
await studio.close();
