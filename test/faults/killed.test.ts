import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import sharp from 'sharp';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { type Item, assets } from '../../src/contract/index.js';
import { readTokenFile } from '../../src/engine/tokens.js';
import { FAKE_ENGINE, type TestStudio, makePackage, openStudio, request, setEnvironment, temporaryFolder } from '../unit/studio/support.js';
import { bundleHost } from './bundle.js';
import { ROUNDS, TIMEOUT_MS, random, seedNote } from './rounds.js';

let hostFile: string;

beforeAll(async () => {
  hostFile = await bundleHost('host');
}, 120_000);

interface HostProcess {
  child: ChildProcess;
  /** Ids of the items that it said were finished. */
  items: string[];
  /** The first line: `open`, or why it could not. */
  first: Promise<string>;
  /** Resolves after so many more items, or when it has gone. */
  made(count: number): Promise<void>;
  gone: Promise<void>;
}

function startHost(data: string): HostProcess {
  const child = spawn(process.execPath, [hostFile, data, FAKE_ENGINE], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const items: string[] = [];
  let buffered = '';
  let wake = (): void => undefined;
  let ended = false;
  let sayFirst: (line: string) => void = () => undefined;
  const first = new Promise<string>((resolve) => (sayFirst = resolve));
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (buffered + text).split('\n');
    buffered = lines.pop() ?? '';
    for (const line of lines) {
      sayFirst(line);
      if (line.startsWith('item ')) items.push(line.slice('item '.length));
    }
    wake();
  });
  // Not `exit`: what it wrote before it died is still on its way then.
  const gone = new Promise<void>((done) =>
    child.on('close', () => {
      ended = true;
      wake();
      done();
    }),
  );
  return {
    child,
    items,
    first,
    gone,
    made: async (count) => {
      const until = items.length + count;
      while (items.length < until && !ended) await new Promise<void>((go) => (wake = go));
    },
  };
}

/** Every item of a library, each of its files read to the end. */
async function wholeItems({ ask, studio }: TestStudio): Promise<Item[]> {
  const items: Item[] = [];
  for (let before: string | null = null; ; before = items.at(-1)?.id ?? null) {
    const page = await ask('items.list', { limit: 500, before, kind: null, search: '' });
    if (page.items.length === 0) break;
    items.push(...page.items);
  }
  for (const { id } of items) {
    const fileOf = async (path: string) => (await studio.asset(path))?.file ?? `no ${path}`;
    await sharp(readFileSync(await fileOf(assets.picture(id))))
      .raw()
      .toBuffer();
    await sharp(readFileSync(await fileOf(assets.thumbnail(id))))
      .raw()
      .toBuffer();
    expect(readTokenFile(readFileSync(await fileOf(assets.tokens(id)))).codes).toHaveLength(12);
  }
  return items;
}

it(
  'the engine process, killed at random moments, loses nothing and every job ends',
  async () => {
    setEnvironment('FAKE_STEP_MS', '8');
    const test = openStudio();
    for (let round = 0; round < ROUNDS; round++) {
      const job = await test.ask('jobs.create', request({ count: 6, batch: 2, seed: 1000 * round }));
      await test.event('job', (j) => j.id === job.id && j.state === 'running');
      await delay(random(0, 150));
      const pid = test.pids.at(-1);
      const end = test.ended(job.id);
      try {
        if (pid !== undefined) process.kill(pid, 'SIGKILL');
      } catch {
        // It had ended by itself, with the job.
      }
      expect(await end, seedNote).toMatchObject({ state: 'done', done: 6 });
    }
    const seeds = (await wholeItems(test)).map((item) => item.recipe.seed ?? -1).sort((a, b) => a - b);
    expect(seeds).toEqual(Array.from({ length: ROUNDS * 6 }, (_, i) => 1000 * Math.floor(i / 6) + (i % 6)));
  },
  TIMEOUT_MS,
);

it(
  'the whole studio, killed while it writes, has every item that it had said was finished, each of them whole and once',
  async () => {
    const data = temporaryFolder();
    makePackage(join(data, 'models', 'fake'));
    const first = openStudio({ data });
    await first.ask('jobs.create', request({ count: 1000, batch: 4 }));
    await first.event('itemAdded');
    await first.studio.close();

    const promised: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const host = startHost(data);
      expect(await host.first, seedNote).toBe('open');
      await host.made(random(1, 10));
      await delay(random(0, 60));
      host.child.kill('SIGKILL');
      await host.gone;
      promised.push(...host.items);
    }

    const again = openStudio({ data });
    const items = await wholeItems(again);
    const known = new Set(items.map((item) => item.id));
    expect(
      promised.filter((id) => !known.has(id)),
      seedNote,
    ).toEqual([]);
    const seeds = items.map((item) => item.recipe.seed);
    expect(new Set(seeds).size, seedNote).toBe(seeds.length);
    const [job] = await again.ask('jobs.list', null);
    expect(['queued', 'running', 'done']).toContain(job?.state);
  },
  TIMEOUT_MS,
);

it(
  'a second studio on the same folder says so and leaves the first alone',
  async () => {
    setEnvironment('FAKE_STEP_MS', '5');
    const { data, ask, ended } = openStudio();
    const job = await ask('jobs.create', request({ count: 20 }));
    const second = startHost(data);
    expect(await second.first).toMatch(/^Another ResGen Studio is using .*studio\.db\. Close it first/);
    await second.gone;
    expect(second.child.exitCode).toBe(3);
    expect(await ended(job.id)).toMatchObject({ state: 'done', done: 20 });
  },
  TIMEOUT_MS,
);
