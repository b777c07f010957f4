import { resolve } from 'node:path';
import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  Engine,
  type SpeakItem,
  phoneNumbers,
  positionsOf,
  readPackageFile,
  readSafetensors,
  textFrames,
} from '../../../src/engine/index.js';
import { Sampling } from '../../../src/contract/sampling.js';
import { RequestHandler } from '../../../src/engine/request-handler.js';
import type { EngineReply } from '../../../src/contract/engine.js';
import { graphBorders } from '../../../src/engine/borders.js';
import { tritonConfig } from '../../../src/engine/remote/triton.js';
import { candidateSeed, guidanceBranches, likeness } from '../../../src/engine/speech.js';
import { SAMPLING, TINY, TINY_VOICE, recordedSentence } from './fixtures.js';

let engine: Engine;
let golden: ReturnType<typeof readSafetensors>;
let item: SpeakItem;
beforeAll(async () => {
  engine = await Engine.load(TINY_VOICE, { provider: 'cpu', threads: 1 });
  golden = readSafetensors(await readPackageFile(engine.pack, 'golden'));
  item = await recordedSentence(engine);
});
afterAll(() => engine.dispose());

describe('text frames', () => {
  test('each is of the phone in whose time its middle lies', () => {
    const frames = textFrames([20, 20, 5], { L: 3, positionsPerSecond: 50, R: 2 });
    expect([...frames]).toEqual([0, 0, 1, 1, 2, 2]);
  });

  test('phones of no length are passed over, and the last one lasts to the end', () => {
    const frames = textFrames([0, 10, 0, 10], { L: 2, positionsPerSecond: 50, R: 2 });
    expect([...frames]).toEqual([1, 3, 3, 3]);
  });

  test('a sentence takes as many positions as its phones last, and never none', () => {
    expect(positionsOf([100, 105], 50)).toBe(10);
    expect(positionsOf([100, 110], 50)).toBe(11);
    expect(positionsOf([0], 50)).toBe(1);
  });
});

test('text and voice are guided together, or each by its share', () => {
  const [none, one] = [new Float32Array(), Float32Array.of(1)];
  expect(guidanceBranches(2, undefined)).toEqual({ no_text: none, no_voice: one, text_too: Int32Array.of(1) });
  expect(guidanceBranches(2, 0.25)).toEqual({
    no_text: Float32Array.of(0.75),
    no_voice: Float32Array.of(0.25),
    text_too: Int32Array.of(0),
  });
  expect(guidanceBranches(0, 0.25)).toEqual({ no_text: none, no_voice: none, text_too: new Int32Array() });
});

test('candidates have seeds of their own, the first that of the sentence', () => {
  expect([0, 1, 2].map((c) => candidateSeed(7, c))).toEqual([7, 0x9e3779c0, 0x3c6ef379]);
  expect(candidateSeed(0xffff_ffff, 1)).toBe(0x9e3779b8);
});

test('likeness is the cosine of the angle', () => {
  expect(likeness(Float32Array.of(3, 0), Float32Array.of(0.5, 0))).toBeCloseTo(1, 12);
  expect(likeness(Float32Array.of(1, 1), Float32Array.of(1, 0))).toBeCloseTo(Math.SQRT1_2, 12);
  expect(likeness(Float32Array.of(1, 2), Float32Array.of(-1, -2))).toBeCloseTo(-1, 12);
});

describe('speaking with the tiny package', () => {
  test('asks for lengths as PyTorch does', async () => {
    const ms = await engine.durations(item.phones, item.speed, item.prompt);
    expect(ms).toHaveLength(item.ms.length);
    ms.forEach((one, i) => expect(one).toBeCloseTo(item.ms[i] ?? 0, 2));
  });

  test('says a whole sentence as the Python sampler recorded it, code for code', async () => {
    const sampling = Sampling.parse(JSON.parse(golden.metadata['sampling'] ?? ''));
    const { tokens } = await engine.speak(item, sampling);
    expect([...tokens]).toEqual([...(golden.tensors.get('speech.out.tokens')?.data ?? [])]);
  });

  test('reports each step of the sentence alone, and its sound is as long as its tokens', async () => {
    const reports: { step: number; positions: number; masked: number }[] = [];
    const said = await engine.speak(item, SAMPLING, {
      onStep: ({ step, k, masked }) => reports.push({ step, positions: k[0]?.length ?? 0, masked }),
    });
    const L = positionsOf(item.ms, 100);
    expect(reports.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(new Set(reports.map(({ positions }) => positions))).toEqual(new Set([L]));
    expect(reports.at(-1)?.masked).toBe(0);
    expect(said.tokens).toHaveLength(L * 4);
    expect(said.revealedAt.every((step) => step >= 1)).toBe(true);
    expect(said.samples).toHaveLength(L * 80);
    const [decoded] = await engine.decodeViews(1, said.tokens, new Int32Array(L).fill(4));
    expect(said.samples).toEqual(decoded);
  });

  test('a seed, a voice and the way of guidance each matter, and the same come out the same', async () => {
    const { tokens } = await engine.speak(item, SAMPLING);
    expect((await engine.speak(item, SAMPLING)).tokens).toEqual(tokens);
    expect((await engine.speak({ ...item, seed: 1 }, SAMPLING)).tokens).not.toEqual(tokens);
    expect((await engine.speak({ ...item, prompt: item.prompt.slice(16) }, SAMPLING)).tokens).not.toEqual(tokens);
    expect((await engine.speak(item, { ...SAMPLING, voiceShare: 1 })).tokens).not.toEqual(tokens);
  });

  test('of several candidates the one is kept whose voice is nearest to the clip’s', async () => {
    const text = await InferenceSession.create(resolve(TINY_VOICE, 'text.onnx'));
    const voiceOf = async (tokens: Int32Array): Promise<Float32Array> => {
      const { voice } = await text.run({
        phones: new Tensor('int32', [1, 1], [1, 2]),
        speed: new Tensor('float32', [1], [1]),
        prompt: new Tensor('int32', tokens, [1, tokens.length / 4, 4]),
      });
      return voice?.data as Float32Array;
    };
    const clip = await voiceOf(item.prompt);
    const chosen = new Set<number>();
    for (const seed of [1, 2, 3, 4]) {
      const alone = [];
      for (let c = 0; c < 3; c++) alone.push(await engine.speak({ ...item, seed: candidateSeed(seed, c) }, SAMPLING));
      const near = await Promise.all(alone.map(async ({ tokens }) => likeness(clip, await voiceOf(tokens))));
      const best = near.indexOf(Math.max(...near));
      chosen.add(best);

      const steps: string[] = [];
      const onStep = ({ step, steps: all }: { step: number; steps: number }): unknown => steps.push(`${step}/${all}`);
      const kept = await engine.speak({ ...item, seed }, { ...SAMPLING, candidates: 3 }, { onStep });
      expect(kept.tokens).toEqual(alone[best]?.tokens);
      expect(kept.samples).toEqual(alone[best]?.samples);
      expect(kept.seed).toBe(candidateSeed(seed, best));
      expect([steps.length, steps.at(0), steps.at(-1)]).toEqual([18, '1/18', '18/18']);
    }
    expect(chosen.size).toBeGreaterThan(1);
    await text.release();
  });

  test('where tokens are given there are no candidates', async () => {
    const { tokens } = await engine.speak(item, SAMPLING);
    const fixed = { tokens, k: new Int32Array(tokens.length / 4).fill(2) };
    const one = await engine.speak({ ...item, seed: 9, fixed }, SAMPLING);
    expect(await engine.speak({ ...item, seed: 9, fixed }, { ...SAMPLING, candidates: 3 })).toEqual(one);
    expect(one.seed).toBe(9);
  });

  test('tokens that are given stay bit for bit, whichever they are', async () => {
    const { tokens } = await engine.speak(item, SAMPLING);
    const [L, D] = [tokens.length / 4, 4];
    const masks = fc.array(fc.nat(D), { minLength: L, maxLength: L }).map((k) => Int32Array.from(k));
    await fc.assert(
      fc.asyncProperty(masks, fc.nat(2 ** 32 - 1), async (k, seed) => {
        const again = await engine.speak({ ...item, seed, fixed: { tokens: tokens.slice(), k: k.slice() } }, SAMPLING);
        const stays = (_: number, n: number): boolean => n % D < D - (k[Math.floor(n / D)] ?? 0);
        expect(again.tokens.filter(stays)).toEqual(tokens.filter(stays));
        expect([...again.revealedAt].map((step) => step === 0)).toEqual([...tokens].map(stays));
      }),
      { numRuns: 20 },
    );
    const anew = await engine.speak({ ...item, seed: 9, fixed: { tokens, k: new Int32Array(L).fill(D) } }, SAMPLING);
    expect(anew.tokens).not.toEqual(tokens);
  });

  test.each([
    ['too few phones', { phones: [1], ms: [10] }, /^A sentence has 2 to 1024 phones\./],
    ['a phone that the model does not know', { phones: [1, 9999], ms: [10, 10] }, /does not know every phone of this sentence/],
    ['as many lengths as phones or not', { ms: [10] }, /^Every phone needs a length\./],
    [
      'a clip of another model',
      { prompt: new Int32Array(64).fill(99) },
      /^The clip of this voice is not encoded with the model “tiny-voice”\./,
    ],
    ['a clip of nearly nothing', { prompt: new Int32Array(8) }, /^The clip of this voice is not encoded/],
    [
      'more than the model takes',
      { ms: Array.from({ length: 11 }, () => 2000) },
      /too long to be said at once: with this voice the model says 10 seconds\./,
    ],
  ])('%s is refused with a sentence', async (_, change, sentence) => {
    await expect(engine.speak({ ...item, ...change }, SAMPLING)).rejects.toMatchObject({
      code: 'bad-request',
      message: expect.stringMatching(sentence) as string,
    });
  });

  test('a model of pictures can’t speak', async () => {
    const pictures = await Engine.load(TINY, { provider: 'cpu', threads: 1 });
    try {
      await expect(pictures.speak(item, SAMPLING)).rejects.toThrow(/^The model “tiny” can't speak\. Choose one that can\./);
    } finally {
      await pictures.dispose();
    }
  });

  test('phones have the numbers of the model, and an unknown one is named', () => {
    const { speech } = engine.pack.manifest;
    if (!speech) throw new Error('the package does not speak');
    expect(phoneNumbers(['_', 'B', 'AA1'], speech)).toEqual([1, 8, 33]);
    expect(phoneNumbers(['B', 'XX'], speech)).toBe('XX');
  });
});

test('a server takes its graphs as they are: lengths free, and no batches where not every tensor is one of items', () => {
  const { text, step } = graphBorders(engine.pack.manifest);
  const options = { maxBatch: 8, instances: null };
  expect(tritonConfig('text', text, options)).toContain('max_batch_size: 8');
  expect(tritonConfig('text', text, options)).toContain('{ name: "prompt", data_type: TYPE_INT32, dims: [ -1, 4 ] }');
  const config = tritonConfig('step', step, options);
  expect(config).toContain('max_batch_size: 0');
  expect(config).toContain('{ name: "text_too", data_type: TYPE_INT32, dims: [ -1 ] }');
  expect(config).toContain('{ name: "tokens", data_type: TYPE_INT32, dims: [ -1, -1, 4 ] }');
  expect(config).not.toContain('dynamic_batching');
});

test('the engine process asks for lengths, speaks, and stops when told', async () => {
  const replies: EngineReply[] = [];
  const handler = new RequestHandler({ post: (reply) => void replies.push(reply), threads: 1 });
  const answered = async (id: number): Promise<EngineReply> => {
    await expect
      .poll(() => replies.some((reply) => 'id' in reply && reply.id === id && reply.type !== 'step'), { timeout: 20_000 })
      .toBe(true);
    return replies.find((reply) => 'id' in reply && reply.id === id && reply.type !== 'step') as EngineReply;
  };
  handler.receive({ type: 'load', id: 1, folder: TINY_VOICE, provider: 'cpu', probeAll: false });
  handler.receive({ type: 'durations', id: 2, phones: item.phones, speed: 1, prompt: item.prompt });
  expect(await answered(2)).toMatchObject({ type: 'durations' });
  handler.receive({ type: 'speak', id: 3, ...item, sampling: SAMPLING });
  expect(await answered(3)).toMatchObject({ type: 'spoken', tokens: (await engine.speak(item, SAMPLING)).tokens });
  handler.receive({ type: 'speak', id: 4, ...item, sampling: { ...SAMPLING, steps: 255 } });
  handler.receive({ type: 'cancel', id: 4 });
  expect(await answered(4)).toMatchObject({ type: 'error', error: { code: 'cancelled' } });
});
