import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { Engine } from '../../src/engine/index.js';
import { nodeEngine } from '../../src/studio/index.js';
import { bundleEngineProcess } from '../unit/engine/engine-process.js';
import { SAMPLING, TINY, TINY_VOICE, recordedSentence } from '../unit/engine/fixtures.js';
import { openStudio, setEnvironment } from '../unit/studio/support.js';
import { Mlserver, mlserverRepository } from './mlserver.js';

const PYTHON = process.env['RESGEN_MLSERVER'] ?? '';
const everything = { limit: 500, before: null, kind: null, search: '' } as const;

let engineProcess: string;
const repository = mkdtempSync(join(tmpdir(), 'resgen-mlserver-'));
let models: string[];
const servers: Mlserver[] = [];

beforeAll(async () => {
  engineProcess = await bundleEngineProcess('servers');
  models = [...(await mlserverRepository(TINY, repository)), ...(await mlserverRepository(TINY_VOICE, repository))];
  servers.push(...(await Promise.all([Mlserver.start(PYTHON, repository, models), Mlserver.start(PYTHON, repository, models)])));
}, 300_000);

beforeEach(async () => {
  // Whichever the test before has killed.
  for (const [i, server] of servers.entries()) {
    if (await answers(server)) continue;
    servers[i] = await Mlserver.start(PYTHON, repository, models, server);
  }
}, 300_000);

afterAll(async () => {
  await Promise.all(servers.map((server) => server.kill()));
  rmSync(repository, { recursive: true, force: true });
});

test.each(['http', 'grpc'] as const)('two real servers give the same pictures as this machine, over %s', async (way) => {
  const remote = await load({ remote: servers.map((server) => server[way]).join(',') });
  expect(remote.probes[0]).toMatchObject({ name: 'remote', state: 'active' });
  const local = await load({ provider: 'cpu' });
  const items = [5, 77, 0xffff_ffff, 9, 10].map((seed, i) => ({ condition: i % 3, seed }));
  expect(await remote.generate(items, SAMPLING)).toEqual(await local.generate(items, SAMPLING));
  for (const server of servers) expect(await server.inferred('tiny-step')).toBeGreaterThan(3);
});

test.each(['http', 'grpc'] as const)('a real server says the same sentence as this machine, over %s', async (way) => {
  const remote = await load({ remote: servers.map((server) => server[way]).join(',') }, TINY_VOICE);
  expect(remote.probes[0]).toMatchObject({ name: 'remote', state: 'active' });
  const local = await load({ provider: 'cpu' }, TINY_VOICE);
  const item = await recordedSentence(local);
  // Without guidance some of its tensors are empty.
  for (const change of [{}, { voiceShare: 0.3 }, { guidanceFrom: 0, guidanceTo: 0 }]) {
    const sampling = { ...SAMPLING, ...change };
    expect(await remote.speak(item, sampling)).toEqual(await local.speak(item, sampling));
  }
});

test.each(['http', 'grpc'] as const)('one of two servers killed in mid-job costs no picture and no job, over %s', async (way) => {
  setEnvironment('RESGEN_REMOTE', servers.map((server) => server[way]).join(','));
  const { ask, event, ended } = openStudio({ spawn: nodeEngine(engineProcess), modelFolders: [join(TINY, '..')] });
  await ask('settings.set', { provider: 'remote' });
  const job = await ask('jobs.create', { model: 'tiny', classes: ['Circle'], count: 40, seed: 100, sampling: SAMPLING, batch: 4 });
  await event('itemAdded');
  await servers[0]?.kill();
  expect(await ended(job.id)).toMatchObject({ state: 'done', done: 40 });
  const { items } = await ask('items.list', everything);
  expect(items.map(({ recipe }) => recipe.seed).sort()).toEqual(Array.from({ length: 40 }, (_, i) => 100 + i));
  expect((await ask('engine.status', null)).provider).toBe('remote');
  // The other one did it alone, and the engine process never ended.
  expect(await ask('reports.list', null)).toEqual([]);
});

test('with both servers gone the job fails with a sentence that names them, keeps what is done, and Retry goes on when one is back', async () => {
  setEnvironment('RESGEN_REMOTE', servers.map(({ http }) => http).join(','));
  const { ask, event, ended } = openStudio({ spawn: nodeEngine(engineProcess), modelFolders: [join(TINY, '..')] });
  await ask('settings.set', { provider: 'remote' });
  const job = await ask('jobs.create', { model: 'tiny', classes: ['Circle'], count: 24, seed: 1, sampling: SAMPLING, batch: 2 });
  await event('itemAdded');
  await Promise.all(servers.map((server) => server.kill()));
  const failed = await ended(job.id);
  expect(failed.state).toBe('failed');
  for (const { http } of servers) expect(failed.error).toContain(http);
  expect(failed.done).toBeGreaterThan(0);
  const [first] = servers;
  if (first) servers[0] = await Mlserver.start(PYTHON, repository, models, first);
  await ask('jobs.retry', { id: job.id });
  expect(await event('job', ({ id, state }) => id === job.id && state === 'done')).toMatchObject({ done: 24 });
}, 300_000);

async function load(options: Parameters<typeof Engine.load>[1], folder = TINY): Promise<Engine> {
  const engine = await Engine.load(folder, { threads: 1, ...options });
  onTestFinished(() => engine.dispose());
  return engine;
}

async function answers({ http }: Mlserver): Promise<boolean> {
  return fetch(`${http}/v2/health/ready`, { signal: AbortSignal.timeout(5000) }).then(
    ({ ok }) => ok,
    () => false,
  );
}
