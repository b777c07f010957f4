import { readFileSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type CallName, type EngineProcess, type ParamsInput, type Result, type Sampling, assets } from '../../src/contract/index.js';
import { createStudio, nodeEngine } from '../../src/studio/index.js';
import { speech, wavFile } from '../unit/studio/voices/signals.js';

/**
 * A studio that works: `node --expose-gc soak-host.mjs DATA ENGINE MODELS JOBS EVERY`, with a colon between the folders of models. Runs so many
 * small jobs, of pictures and of speech in turn, with what people do between them, and says after every few how much memory is taken, in bytes:
 * `memory JOBS STUDIO ENGINE HEAP EXTERNAL`, the last two of the studio's process and part of its own.
 */
const [data = '', engineFile = '', models = '', jobs = '', every = ''] = process.argv.slice(2);
const [JOBS, EVERY] = [Number(jobs), Number(every)];
const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEklEQVR4nGP4z8CAFWEXHbQSACj/P8Fu7N9hAAAAAElFTkSuQmCC',
  'base64',
);
const TEXTS = [
  'Hello.',
  'Hello there. How are you?',
  'The bananas in this bowl are older than the bowl, and it is a very old bowl.',
  'Fine!\n\nAnd you?',
];
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
  modelFolders: models.split(':'),
  dataFolder: data,
  g2pFile: 'resources/text/g2p.bin',
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

function at<T>(list: readonly T[], i: number): T {
  return list[i % list.length] as T;
}

const file = wavFile(speech({ seconds: 4 }));
const voices: string[] = [];
for (const name of ['Ada', 'Bob', 'Eve'])
  voices.push((await ask('voices.add', { name, file, region: null, consent: 'I agree that my voice is used here' })).id);

/** Pictures and speech, two of each in turn, so that the engine changes models as it does for a person who goes between two pages. */
function create(i: number): Promise<Result<'jobs.create'>> {
  const sampling = { ...SAMPLING, steps: 1 + (i % 3) };
  if (i % 4 < 2) {
    const classes = at([['Circle'], ['Circle', 'Square']], i);
    return ask('jobs.create', { model: 'tiny', classes, count: 1 + (i % 3), seed: i * 10, batch: 1 + (i % 4), sampling });
  }
  return ask('speech.say', { model: 'tiny-voice', voice: at(voices, i), text: at(TEXTS, i >> 1), speed: 1, seed: i, sampling });
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
  for (let i = from; i < to; i++) await create(i);
  await ended;
}

/** What a person does between two jobs. */
async function look(): Promise<void> {
  const { items } = await ask('items.list', { limit: 50, before: null, kind: null, search: 'circle' });
  const [a, b] = items;
  if (!a || !b) throw new Error('The library has no pictures.');
  await ask('items.export', { ids: [a.id, b.id], format: 'webp' });
  await ask('tokens.get', { id: a.id });
  await ask('tokens.decode', { id: a.id, views: [{ depth: 1 }, { depth: 2 }] });
  await ask('tokens.edit', { id: a.id, edit: { kind: 'resampleBelow', depth: 1 }, seed: 1, className: 'Circle' });
  await ask('items.import', { name: 'a.png', bytes: new Uint8Array(PICTURE), model: 'tiny' });
  await ask('items.remove', { ids: [b.id] });
  await ask('items.purge', { ids: null });
}

/** The same of speech: hears a take, says a sentence of it again, saves it, and looks into its tokens. */
async function listen(): Promise<void> {
  const told = (await ask('jobs.list', null)).find((job) => job.kind === 'speech');
  if (!told) throw new Error('Nothing was said.');
  const take = await ask('speech.take', { job: told.id });
  const heard = await studio.asset(assets.take(told.id));
  if (!heard) throw new Error('The take has no sound.');
  readFileSync(heard.file);
  await ask('speech.export', { job: told.id, index: null, format: 'flac' });
  const item = take.sentences.find((sentence) => sentence.item !== null)?.item;
  if (!item) throw new Error('The take has no sentence.');
  await ask('tokens.decode', { id: item.id, views: [{ depth: 1 }, { depth: 2 }] });
  await ask('tokens.edit', { id: item.id, edit: { kind: 'resampleBelow', depth: 1 }, seed: 1 });
}

const collect = (globalThis as { gc?: () => void }).gc;
if (!collect) throw new Error('Run it with --expose-gc.');
for (let done = 0; done < JOBS; done += EVERY) {
  await work(done, done + EVERY);
  await look();
  await listen();
  collect();
  // Files and pictures that were in use are given back a moment after.
  await delay(50);
  collect();
  const { rss, heapUsed, external } = process.memoryUsage();
  writeSync(1, `memory ${done + EVERY} ${rss} ${engine?.residentBytes() ?? 0} ${heapUsed} ${external}\n`);
}
writeSync(1, `engines ${engines}\n`);
await studio.close();
