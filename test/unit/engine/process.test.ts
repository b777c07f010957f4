import { once } from 'node:events';
import { spawnSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { EngineRequest } from '../../../src/contract/engine.js';
import { EngineUnderTest, bundleEngineProcess } from './engine-process.js';
import { SAMPLING, TINY } from './fixtures.js';

let entry: string;
let engine: EngineUnderTest;
const running: EngineUnderTest[] = [];

async function start(): Promise<EngineUnderTest> {
  const started = await EngineUnderTest.start(entry);
  running.push(started);
  return started;
}

const load = (id: number, folder = TINY): EngineRequest => ({ type: 'load', id, folder, provider: 'cpu', probeAll: false });
const generate = (id: number, steps = 6, count = 2): EngineRequest => ({
  type: 'generate',
  id,
  items: Array.from({ length: count }, (_, i) => ({ classIndex: i % 3, seed: 100 + i })),
  sampling: { ...SAMPLING, steps },
  previewEveryMs: null,
});

beforeAll(async () => {
  entry = await bundleEngineProcess();
}, 60_000);

describe('engine process', () => {
  beforeAll(async () => {
    engine = await EngineUnderTest.start(entry);
    engine.send(load(1));
    await engine.final(1);
  });
  afterAll(() => engine.stop());
  afterEach(() => Promise.all(running.splice(0).map((one) => one.stop())));

  test('loads a package and says on which provider', async () => {
    expect(await engine.final(1)).toMatchObject({ type: 'loaded', provider: 'cpu', probes: [{ name: 'cpu', state: 'active' }] });
  });

  test('generates with a report of each step, down to no masked token', async () => {
    engine.send(generate(2));
    const generated = await engine.final(2);
    if (generated.type !== 'generated') throw new Error(`${generated.type} instead`);
    expect(generated.results).toHaveLength(2);
    expect(generated.results[0]?.tokens).toHaveLength(16);
    expect(generated.results[0]?.pixels).toHaveLength(16 * 16 * 3);
    const steps = engine.replies.flatMap((reply) => (reply.type === 'step' && reply.id === 2 ? [reply] : []));
    expect(steps.map((step) => step.step)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(steps.at(-1)).toMatchObject({ masked: 0, k: [new Uint8Array(4), new Uint8Array(4)] });
  });

  test('decodes and encodes', async () => {
    engine.send({ type: 'decode', id: 10, tokens: new Int32Array(16).fill(3), depth: 2 });
    expect(await engine.final(10)).toMatchObject({ type: 'decoded' });
    engine.send({ type: 'encode', id: 11, pixels: new Uint8Array(16 * 16 * 3) });
    expect(await engine.final(11)).toMatchObject({ type: 'encoded' });
  });

  test('answers one request at a time, in order', async () => {
    engine.send(generate(20));
    engine.send({ type: 'decode', id: 21, tokens: new Int32Array(16), depth: 4 });
    await engine.final(21);
    const order = engine.replies.flatMap((reply) => (reply.type === 'generated' || reply.type === 'decoded' ? [reply.id] : []));
    expect(order.indexOf(20)).toBeLessThan(order.indexOf(21));
  });

  test('decodes views between two steps of what it generates, and those that come too late for one after it', async () => {
    const view = (id: number): EngineRequest => ({
      type: 'decodeViews',
      id,
      B: 1,
      tokens: new Int32Array(16).fill(3),
      depth: new Int32Array(4).fill(2),
    });
    engine.send(view(225));
    const alone = await engine.final(225);
    // Long enough to be stopped on a fast machine too.
    engine.send(generate(226, 255, 64));
    await engine.reply((reply) => reply.type === 'step' && reply.id === 226);
    engine.send(view(227));
    expect(await engine.final(227)).toMatchObject({ ...alone, id: 227 });
    expect(engine.replies.some((reply) => reply.type === 'generated' && reply.id === 226)).toBe(false);
    engine.send(view(228));
    engine.send({ type: 'cancel', id: 226 });
    expect(await engine.final(226)).toMatchObject({ type: 'error', error: { code: 'cancelled' } });
    expect(await engine.final(228)).toMatchObject({ type: 'decodedViews' });
    // As if nothing had come between: a seed gives one result.
    engine.send(generate(229, 6));
    engine.send(view(230));
    const made = await engine.final(229);
    engine.send(generate(232, 6));
    expect(await engine.final(232)).toMatchObject({
      results: made.type === 'generated' ? made.results.map(({ tokens }) => ({ tokens })) : [],
    });
  });

  test('cancel acts at once: on the one that runs and on one that waits', async () => {
    const steps = 255;
    engine.send(generate(30, steps, 64));
    engine.send(generate(31, steps, 64));
    await engine.reply((reply) => reply.type === 'step' && reply.id === 30);
    engine.send({ type: 'cancel', id: 31 });
    engine.send({ type: 'cancel', id: 30 });
    expect(await engine.final(30)).toMatchObject({ type: 'error', error: { code: 'cancelled' } });
    expect(await engine.final(31)).toMatchObject({ type: 'error', error: { code: 'cancelled' } });
    expect(engine.replies.some((reply) => reply.type === 'step' && reply.id === 31)).toBe(false);
    engine.send(generate(32));
    expect(await engine.final(32)).toMatchObject({ type: 'generated' });
  });

  test('outlives messages that make no sense and answers each with a sentence', async () => {
    const nonsense = [
      { type: 'dance', id: 40 },
      { type: 'generate', id: 41, items: [] },
      { type: 'decode', id: 42, tokens: [1, 2], depth: 1 },
      { type: 'load', id: 43 },
    ];
    for (const message of nonsense) {
      engine.sendRaw(message);
      expect(await engine.final(message.id)).toMatchObject({ type: 'error', error: { code: 'bad-request' } });
    }
    engine.sendRaw([]);
    expect(await engine.final(-1)).toMatchObject({ type: 'error' });
    engine.send(generate(45, 6, 1));
    expect(await engine.final(45)).toMatchObject({ type: 'generated' });
  });

  test('an unknown class is an error of its request alone', async () => {
    engine.send({ ...generate(50), items: [{ classIndex: 99, seed: 1 }] } as EngineRequest);
    expect(await engine.final(50)).toMatchObject({
      type: 'error',
      error: { code: 'bad-request', message: expect.stringContaining('class') },
    });
  });

  test('without a model, and after one that can not be loaded, it asks for a model', async () => {
    const fresh = await start();
    fresh.send(generate(1));
    expect(await fresh.final(1)).toMatchObject({ type: 'error', error: { message: expect.stringContaining('Choose a model') } });
    fresh.send(load(2, '/nowhere'));
    expect(await fresh.final(2)).toMatchObject({
      type: 'error',
      error: { code: 'bad-model', message: expect.stringContaining('model.json is missing') },
    });
    fresh.send(load(3));
    expect(await fresh.final(3)).toMatchObject({ type: 'loaded' });
  });

  test('killed in the middle of a generation, the next process gives the same picture', async () => {
    const first = await start();
    first.send(load(1));
    first.send(generate(2, 255, 64));
    await first.reply((reply) => reply.type === 'step' && reply.step === 3);
    await first.stop('SIGKILL');
    expect(first.child.signalCode).toBe('SIGKILL');

    const second = await start();
    second.send(load(1));
    second.send(generate(2, 6, 1));
    engine.send(generate(60, 6, 1));
    const [again, before] = [await second.final(2), await engine.final(60)];
    if (again.type !== 'generated' || before.type !== 'generated') throw new Error('not generated');
    expect(again.results).toEqual(before.results);
  });

  test('ends when its parent is gone', async () => {
    const orphan = await start();
    const exit = once(orphan.child, 'exit');
    orphan.child.disconnect();
    expect(await exit).toEqual([0, null]);
  });
});

test('started by hand, it says what it is', () => {
  const result = spawnSync(process.execPath, [entry], { encoding: 'utf8' });
  expect(result.status).toBe(2);
  expect(result.stderr).toContain('resgen --help');
});
