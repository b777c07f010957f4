import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Engine, type LoadOptions, openPackage } from '../../../src/engine/index.js';
import { graphBorders } from '../../../src/engine/borders.js';
import { remoteAddresses } from '../../../src/engine/remote/addresses.js';
import type { ModelInferResponse } from '../../../src/engine/remote/grpc-service.js';
import { RemoteGraph, divide } from '../../../src/engine/remote/remote-graph.js';
import { Replicas } from '../../../src/engine/remote/replicas.js';
import { writeRepository } from '../../../src/engine/remote/repository.js';
import { tritonConfig } from '../../../src/engine/remote/triton.js';
import { SAMPLING, TINY, TINY_VOICE, recordedSentence, temporaryFolder } from './fixtures.js';
import { type GrpcInterception, type GrpcServerOptions, startGrpcServer } from './grpc-server.js';
import { type V2Server, type V2ServerOptions, startV2Server } from './v2-server.js';

const ITEMS = [5, 77, 0xffff_ffff, 9, 10].map((seed, i) => ({ condition: i % 3, seed }));

async function load(options: LoadOptions = {}, folder = TINY): Promise<Engine> {
  const engine = await Engine.load(folder, { threads: 1, ...options });
  onTestFinished(() => engine.dispose());
  return engine;
}

const serve = (options?: V2ServerOptions): Promise<V2Server> => startV2Server(TINY, options);
const serveGrpc = (options?: GrpcServerOptions): Promise<V2Server> => startGrpcServer(TINY, options);
const listOf = (...servers: V2Server[]): string => servers.map(({ address }) => address).join(', ');

describe('a model on inference servers', () => {
  test.each([
    ['in JSON', () => serve()],
    ['in binary, as Triton has it', () => serve({ triton: true })],
    ['over gRPC', () => serveGrpc()],
    ['over gRPC, as Triton has it', () => serveGrpc({ triton: true })],
    ['over gRPC, answered in numbers', () => serveGrpc({ typed: true })],
  ])('is what auto takes, and gives the same pictures as here, %s', async (_how, start) => {
    const [a, b] = [await start(), await start()];
    const remote = await load({ remote: listOf(a, b) });
    expect(remote.probes[0]).toMatchObject({
      name: 'remote',
      state: 'active',
      reason: expect.stringMatching(/^Passed its probe/) as string,
    });
    expect(remote.provider).toBe('remote');
    const local = await load({ provider: 'cpu' });
    const pictures = await remote.generate(ITEMS, SAMPLING);
    expect(pictures).toEqual(await local.generate(ITEMS, SAMPLING));
    // Both had their share of every batch.
    for (const { inferred } of [a, b]) expect(inferred.filter((name) => name === 'tiny-step').length).toBeGreaterThan(3);
    expect(await remote.decode(pictures[0]?.tokens ?? new Int32Array(), 2)).toEqual(
      await local.decode(pictures[0]?.tokens ?? new Int32Array(), 2),
    );
  });

  test.each([
    [
      'over HTTP',
      () => serve(),
      () => serve({ intercept: (request, response) => request.url?.endsWith('infer') === true && busyNowAndThen(response) }),
    ],
    [
      'over gRPC',
      () => serveGrpc(),
      () => serveGrpc({ intercept: (call) => (call === 'ModelInfer' && isBusy() ? { code: status.UNAVAILABLE, details: 'busy' } : null) }),
    ],
  ])('loses nothing when one server is killed in the middle and the other one is busy now and then, %s', async (_how, well, busy) => {
    const [a, b] = [await well(), await busy()];
    const remote = await load({ remote: listOf(a, b) });
    const pictures = await remote.generate(ITEMS, SAMPLING, {
      onStep: ({ step }) => {
        if (step === 3) a.kill();
      },
    });
    const local = await load({ provider: 'cpu' });
    expect(pictures).toEqual(await local.generate(ITEMS, SAMPLING));
  });

  test.each([
    ['over HTTP', () => serve({ intercept: (request) => request.url?.endsWith('infer') === true }), () => serve()],
    ['over gRPC', () => serveGrpc({ intercept: (call) => (call === 'ModelInfer' ? 'silence' : null) }), () => serveGrpc()],
  ])('goes to another server when one gives no answer, %s', async (_how, startSilent, startGood) => {
    const [silent, good] = [await startSilent(), await startGood()];
    const border = graphBorders((await openPackage(TINY)).manifest).decode;
    const graph = await RemoteGraph.create(new Replicas([silent.address, good.address], 100), 'tiny-decode', border);
    const { pixels } = await graph.run({ B: 2 }, { tokens: new Int32Array(2 * 4 * 4), depth: new Int32Array(2 * 4).fill(4) });
    expect(pixels).toHaveLength(2 * 16 * 16 * 3);
    expect(good.inferred.length).toBeGreaterThanOrEqual(2);
  });

  test.each([
    ['HTTP', () => serve()],
    ['gRPC', () => serveGrpc()],
  ])(
    'that nobody answers for over %s is run here instead, or refused with a sentence where it was asked for',
    async (_how, start) => {
      const server = await start();
      server.kill();
      const auto = await load({ remote: server.address });
      expect(auto.provider).not.toBe('remote');
      const sentence =
        /^No inference server did the work \((?:http|grpc):\/\/127\.0\.0\.1:\d+: ECONNREFUSED\)\. Check that they run, then retry/;
      expect(auto.probes[0]).toMatchObject({ name: 'remote', state: 'refused', reason: expect.stringMatching(sentence) as string });
      await expect(load({ provider: 'remote', remote: server.address })).rejects.toThrow(
        /^Inference servers can't run this model: No inference server/,
      );
      await expect(load({ provider: 'remote' })).rejects.toThrow(/No inference server is named\. Start the studio with RESGEN_REMOTE=/);
    },
    60_000,
  );

  test('of another kind is refused, with what is wrong', async () => {
    const unknown = await serve({
      intercept: (request, response) => request.url === '/v2/models/tiny-decode' && answer(response, 404, { error: 'not found' }),
    });
    await expect(load({ provider: 'remote', remote: unknown.address })).rejects.toThrow(
      /can't run “tiny-decode”: it answered 404: .*not found/,
    );
    const other = { name: 'tiny-decode', inputs: [{ name: 'tokens', datatype: 'INT32', shape: [-1, 64, 16] }], outputs: [] };
    const wrong = await serve({
      intercept: (request, response) => request.url === '/v2/models/tiny-decode' && answer(response, 200, other),
    });
    await expect(load({ provider: 'remote', remote: wrong.address })).rejects.toThrow(
      /it has tokens of shape \[-1, 64, 16\], not \[B, 4, 4\]/,
    );
    const zeros = { outputs: [{ name: 'pixels', datatype: 'UINT8', data: new Array(2 * 16 * 16 * 3).fill(0) }] };
    const blind = await serve({
      intercept: (request, response) => request.url === '/v2/models/tiny-decode/infer' && answer(response, 200, zeros),
    });
    await expect(load({ provider: 'remote', remote: blind.address })).rejects.toThrow(/Inference servers can't run this model: /);
  });

  test('of another kind is refused over gRPC as well', async () => {
    const said = (details: string): GrpcInterception => ({ code: status.INVALID_ARGUMENT, details });
    const choosy = await serveGrpc({ intercept: (call) => (call === 'ModelInfer' ? said('no such shape') : null) });
    await expect(load({ provider: 'remote', remote: choosy.address })).rejects.toThrow(
      /can't run “tiny-\w+”: it answered INVALID_ARGUMENT: no such shape/,
    );
    const unknown = await serveGrpc({ intercept: () => ({ code: status.NOT_FOUND, details: 'not found' }) });
    await expect(load({ provider: 'remote', remote: unknown.address })).rejects.toThrow(/it answered NOT_FOUND: not found/);
    const large = await serveGrpc({
      intercept: (call) =>
        call === 'ModelInfer' ? { code: status.RESOURCE_EXHAUSTED, details: 'Received message larger than max' } : null,
    });
    await expect(load({ provider: 'remote', remote: large.address })).rejects.toThrow(/it answered RESOURCE_EXHAUSTED: Received message/);
    const plain = await serveGrpc();
    await expect(load({ provider: 'remote', remote: plain.address.replace('grpc:', 'grpcs:') })).rejects.toThrow(
      /^Inference servers can't run this model: No inference server did the work/,
    );
  });

  test('is not asked again before the server says that it has loaded it', async () => {
    let ready = false;
    const asked: string[] = [];
    const starting = await serveGrpc({
      intercept: (call) => {
        asked.push(call);
        if (call === 'ModelReady') return ready ? null : { answer: new Uint8Array() };
        return ready || call !== 'ModelInfer' ? null : { code: status.UNAVAILABLE, details: 'loading' };
      },
    });
    const graph = await decodeGraph(starting.address);
    setTimeout(() => (ready = true), 400);
    const { pixels } = await graph.run({ B: 1 }, { tokens: new Int32Array(16), depth: new Int32Array(4) });
    expect(pixels).toHaveLength(16 * 16 * 3);
    expect(asked.slice(0, 3)).toEqual(['ModelMetadata', 'ModelInfer', 'ModelReady']);
    expect(asked.slice(-2)).toEqual(['ModelReady', 'ModelInfer']);
  });

  test('whatever a server answers over gRPC, the result is sound or a sentence', async () => {
    let answer: Partial<ModelInferResponse> | Uint8Array = {};
    const hostile = await serveGrpc({ intercept: (call) => (call === 'ModelInfer' ? { answer } : null) });
    const graph = await decodeGraph(hostile.address);
    const tensor = fc.record({
      name: fc.constantFrom('pixels', 'other'),
      datatype: fc.constantFrom('UINT8', 'INT32', 'FP32', 'BYTES'),
      shape: fc.array(fc.integer(), { maxLength: 4 }),
      contents: fc.option(fc.record({ uint_contents: fc.array(fc.nat(255), { maxLength: 5 }) })),
    });
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.constant(new Uint8Array(768)));
    const answers = fc.oneof(
      fc.uint8Array({ maxLength: 900 }),
      fc.record({ outputs: fc.array(tensor, { maxLength: 3 }), raw_output_contents: fc.array(bytes, { maxLength: 3 }) }),
    );
    await fc.assert(
      fc.asyncProperty(answers, async (given) => {
        answer = given;
        await expectSoundOrSentence(graph);
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  test('whatever a server answers, the result is sound or a sentence', async () => {
    let body: string | Uint8Array = '';
    let headers: Record<string, string> = {};
    const hostile = await serve({
      intercept: (request, response) => {
        if (!request.url?.endsWith('infer')) return false;
        response.writeHead(200, headers).end(body);
        return true;
      },
    });
    const graph = await decodeGraph(hostile.address);
    const output = fc.record(
      {
        name: fc.constantFrom('pixels', 'other'),
        datatype: fc.constantFrom('UINT8', 'INT32', 'FP32', 'BYTES'),
        data: fc.array(fc.anything(), { maxLength: 5 }),
        parameters: fc.record({ binary_data_size: fc.oneof(fc.integer(), fc.constant(768)) }),
      },
      { requiredKeys: [] },
    );
    const answers = fc.oneof(
      fc.string(),
      fc.uint8Array({ maxLength: 900 }),
      fc.json(),
      fc.record({ outputs: fc.array(output, { maxLength: 3 }) }).map((o) => JSON.stringify(o)),
    );
    await fc.assert(
      fc.asyncProperty(answers, fc.option(fc.constantFrom('0', '-1', '10', 'x', '99999999')), async (given, length) => {
        body = given;
        headers = length === null ? {} : { 'inference-header-content-length': length };
        await expectSoundOrSentence(graph);
      }),
      { numRuns: 150 },
    );
  }, 60_000);
});

describe('a model that speaks, on inference servers', () => {
  test.each([
    ['in JSON', (options?: V2ServerOptions) => startV2Server(TINY_VOICE, options)],
    ['in binary, as Triton has it', (options?: V2ServerOptions) => startV2Server(TINY_VOICE, { ...options, triton: true })],
    ['over gRPC', () => startGrpcServer(TINY_VOICE)],
    ['over gRPC, as Triton has it', () => startGrpcServer(TINY_VOICE, { triton: true })],
    ['over gRPC, answered in numbers', () => startGrpcServer(TINY_VOICE, { typed: true })],
  ])('says the same as here, %s', async (_how, start) => {
    const [a, b] = [await start(), await start()];
    const remote = await load({ remote: listOf(a, b) }, TINY_VOICE);
    expect(remote.probes[0]).toMatchObject({ name: 'remote', state: 'active' });
    const local = await load({ provider: 'cpu' }, TINY_VOICE);
    const item = await recordedSentence(local);
    // With guidance of text and voice together, apart, and with none, for which its tensors are empty.
    for (const change of [{}, { voiceShare: 0.3 }, { guidanceFrom: 0, guidanceTo: 0 }]) {
      const sampling = { ...SAMPLING, ...change };
      expect(await remote.speak(item, sampling)).toEqual(await local.speak(item, sampling));
    }
    const { tokens } = await local.speak(item, SAMPLING);
    const depth = new Int32Array(2 * (tokens.length / 4)).fill(2);
    const twice = Int32Array.from([...tokens, ...tokens]);
    expect(await remote.decodeViews(2, twice, depth)).toEqual(await local.decodeViews(2, twice, depth));
    // A sentence is not divided; which of two idle servers says it does not matter.
    expect([...a.inferred, ...b.inferred].filter((name) => name === 'tiny-voice-step').length).toBeGreaterThan(10);
  });

  test('says a sentence to its end when one server is killed in the middle of it', async () => {
    const [a, b] = [await startV2Server(TINY_VOICE), await startGrpcServer(TINY_VOICE)];
    const remote = await load({ remote: listOf(a, b) }, TINY_VOICE);
    const local = await load({ provider: 'cpu' }, TINY_VOICE);
    const item = await recordedSentence(local);
    const said = await remote.speak(item, SAMPLING, { onStep: ({ step }) => (step === 2 ? a.kill() : undefined) });
    expect(said).toEqual(await local.speak(item, SAMPLING));
  });
});

test('a repository of a model that speaks has all its graphs; only its step, which is not of batches, gets none', async () => {
  const folder = await temporaryFolder();
  const options = { maxBatch: 8, instances: null, overwrite: false };
  expect(await writeRepository(TINY_VOICE, folder, options)).toEqual([
    'tiny-voice-step',
    'tiny-voice-decode',
    'tiny-voice-encode',
    'tiny-voice-text',
  ]);
  const config = (graph: string): Promise<string> => readFile(join(folder, `tiny-voice-${graph}`, 'config.pbtxt'), 'utf8');
  const step = await config('step');
  expect(step).toContain('max_batch_size: 0\n');
  expect(step).not.toContain('dynamic_batching');
  expect(step).not.toContain('reshape');
  // Evaluations that guidance needs may be none, which Triton takes where a dimension is free.
  expect(step).toContain('{ name: "no_text", data_type: TYPE_FP32, dims: [ -1 ] }');
  expect(step).toContain('{ name: "prompt", data_type: TYPE_INT32, dims: [ -1, -1, 4 ] }');
  expect(await config('decode')).toContain('{ name: "samples", data_type: TYPE_FP32, dims: [ -1 ] }');
  expect(await config('text')).toContain('{ name: "speed", data_type: TYPE_FP32, dims: [ 1 ], reshape: { shape: [ ] } }');
  for (const graph of ['step', 'decode', 'encode', 'text']) {
    const copy = await readFile(join(folder, `tiny-voice-${graph}`, '1', 'model.onnx'));
    expect(copy.equals(await readFile(join(TINY_VOICE, `${graph}.onnx`)))).toBe(true);
  }
  await expect(writeRepository(TINY_VOICE, folder, options)).rejects.toThrow(
    /is there already\. Choose another folder, or --overwrite it\./,
  );
});

describe('addresses of servers', () => {
  test('are told apart by commas; what is none is refused', () => {
    expect(remoteAddresses(' http://a:8000/, https://b/models/ ,http://a:8000')).toEqual(['http://a:8000', 'https://b/models']);
    expect(remoteAddresses('')).toEqual([]);
    expect(remoteAddresses('grpc://a:8001/, grpcs://[::1]:8001,grpc://a:8001')).toEqual(['grpc://a:8001', 'grpcs://[::1]:8001']);
    for (const bad of ['grpc://a', 'grpc://a:8001/models'])
      expect(() => remoteAddresses(bad)).toThrow(/must be a server and its port alone/);
    for (const bad of [
      'a:8000',
      'grpc:8001',
      'grpc://',
      'unix:/tmp/socket',
      'file:///etc/passwd',
      'http://user:secret@a',
      'http://a?x=1',
      'nonsense',
    ]) {
      expect(() => remoteAddresses(bad)).toThrow(/is not the address of a server/);
    }
    expect(() => remoteAddresses(Array.from({ length: 33 }, (_, i) => `http://a:${i + 1}`).join())).toThrow(/names 33 servers/);
  });
});

test('a batch is divided into shares that differ by one row at most', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 32 }), (B, parts) => {
      const shares = divide(B, parts);
      const sizes = shares.map(({ from, to }) => to - from);
      expect(shares[0]?.from).toBe(0);
      expect(shares.at(-1)?.to).toBe(B);
      shares.slice(1).forEach(({ from }, i) => expect(from).toBe(shares[i]?.to));
      expect(Math.min(...sizes)).toBeGreaterThan(0);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThan(2);
    }),
  );
});

test("a graph's configuration for Triton names every tensor", async () => {
  const { step } = graphBorders((await openPackage(TINY)).manifest);
  const config = tritonConfig('tiny-step', step, { maxBatch: 16, instances: 2 });
  expect(config).toContain('name: "tiny-step"\nbackend: "onnxruntime"\nmax_batch_size: 16\n');
  expect(config).toContain('{ name: "tokens", data_type: TYPE_INT32, dims: [ 4, 4 ] }');
  expect(config).toContain('{ name: "guidance", data_type: TYPE_FP32, dims: [ 1 ], reshape: { shape: [ ] } }');
  expect(config).toContain('{ name: "confidence", data_type: TYPE_FP32, dims: [ 4, 4 ] }');
  expect(config).toContain('instance_group [ { count: 2 } ]\ndynamic_batching { max_queue_delay_microseconds: 1000 }');
});

function answer(response: ServerResponse, status: number, value: object): true {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  return true;
}

/** Every third request gets no more than a 503. */
function busyNowAndThen(response: ServerResponse): boolean {
  return isBusy() && answer(response, 503, { error: 'busy' });
}

let requests = 0;
const isBusy = (): boolean => ++requests % 3 === 0;

async function decodeGraph(address: string): Promise<RemoteGraph> {
  const border = graphBorders((await openPackage(TINY)).manifest).decode;
  const graph = await RemoteGraph.create(new Replicas([address]), 'tiny-decode', border);
  onTestFinished(() => graph.release());
  return graph;
}

async function expectSoundOrSentence(graph: RemoteGraph): Promise<void> {
  const done = graph.run({ B: 1 }, { tokens: new Int32Array(16), depth: new Int32Array(4) });
  const result = await done.catch((error: unknown) => error);
  if (result instanceof Error)
    expect(result.message).toMatch(/^The inference server (?:http|grpc).* can't run “tiny-decode”: .*\. Export the package again/s);
  else expect(result).toMatchObject({ pixels: expect.any(Uint8Array) as Uint8Array });
}
