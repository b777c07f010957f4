import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { type GraphBorder, graphBorders } from '../../../src/engine/borders.js';
import { openPackage, readPackageFile } from '../../../src/engine/package.js';
import { DATATYPES } from '../../../src/engine/remote/protocol.js';
import { remoteModelName } from '../../../src/engine/remote/remote-graph.js';
import { GraphSession, type Sizes, type Tensors, dimensions } from '../../../src/engine/session.js';
import { metadata, sizesOf } from './v2-metadata.js';

export const ARRAYS = { INT32: Int32Array, FP32: Float32Array, UINT8: Uint8Array } as const;

interface WireInput {
  name: string;
  datatype: keyof typeof ARRAYS;
  shape: number[];
  data?: number[];
  parameters?: { binary_data_size: number };
}

export interface V2ServerOptions {
  /** Offers the binary tensor extension, and wants a last dimension of 1 where an item is one number, as Triton does. */
  triton?: boolean;
  /** Answers a request in place of the server where it returns true. */
  intercept?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

export interface V2Server {
  address: string;
  /** Model names of the `infer` requests answered so far. */
  inferred: string[];
  /** As by kill -9: every connection is cut. */
  kill(): void;
}

export interface ServedModel {
  session: GraphSession;
  border: GraphBorder;
  samplesPerPosition: number;
}

/** Sessions of the step and decode graphs of a package, by their names on a server. */
export async function servedModels(packageFolder: string): Promise<Map<string, ServedModel>> {
  const pack = await openPackage(packageFolder);
  const borders = graphBorders(pack.manifest);
  const models = new Map<string, ServedModel>();
  for (const graph of ['step', 'decode'] as const) {
    const session = await GraphSession.create(await readPackageFile(pack, graph), borders[graph], { provider: 'cpu', threads: 1 });
    onTestFinished(() => session.release());
    const samplesPerPosition = pack.manifest.sound?.samplesPerPosition ?? 0;
    models.set(remoteModelName(pack.manifest.id, graph), { session, border: borders[graph], samplesPerPosition });
  }
  return models;
}

/** A KServe v2 server over HTTP that runs the step and decode graphs of a package, ended with the test. */
export async function startV2Server(packageFolder: string, { triton = false, intercept }: V2ServerOptions = {}): Promise<V2Server> {
  const models = await servedModels(packageFolder);
  const inferred: string[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (intercept?.(request, response)) return;
    const path = request.url ?? '';
    if (path === '/v2') return send(response, { name: 'test', version: '1', extensions: triton ? ['binary_tensor_data'] : [] });
    const [, name = '', what] = /^\/v2\/models\/([\w-]+)(?:\/(ready|infer))?$/.exec(path) ?? [];
    const model = models.get(name);
    if (!model) return send(response, { error: `Request for unknown model: '${name}' is not found` }, 400);
    if (what === 'ready') return send(response, {});
    if (what === undefined) return send(response, metadata(name, model.border, triton));
    const inputs = await readInputs(request);
    const sizes = sizesOf(model.border, inputs, model.samplesPerPosition);
    const outputs = await model.session.run(sizes, Object.fromEntries(inputs.map(({ name: input, values }) => [input, values])));
    inferred.push(name);
    sendOutputs(response, outputs, model.border, sizes, triton);
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => send(response, { error: String(error) }, 500));
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const kill = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(kill);
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, inferred, kill };
}

async function readInputs(request: IncomingMessage): Promise<{ name: string; shape: number[]; values: Tensors[string] }[]> {
  const body = Buffer.concat(await request.toArray());
  let at = Number(request.headers['inference-header-content-length'] ?? body.length);
  const { inputs } = JSON.parse(body.toString('utf8', 0, at)) as { inputs: WireInput[] };
  return inputs.map(({ name, datatype, shape, data, parameters }) => {
    const size = parameters?.binary_data_size;
    if (size === undefined) return { name, shape, values: ARRAYS[datatype].from(data ?? []) };
    const bytes = new Uint8Array(body.subarray(at, at + size));
    at += size;
    return { name, shape, values: new ARRAYS[datatype](bytes.buffer) };
  });
}

function sendOutputs(response: ServerResponse, outputs: Tensors, border: GraphBorder, sizes: Sizes, binary: boolean): void {
  const tensors = Object.entries(border.outputs).map(([name, { type, shape }]) => {
    const data = outputs[name] ?? new Uint8Array();
    return { name, datatype: DATATYPES[type], shape: dimensions(shape, sizes), data };
  });
  if (!binary) return send(response, { outputs: tensors.map((tensor) => ({ ...tensor, data: Array.from(tensor.data) })) });
  const header = Buffer.from(
    JSON.stringify({ outputs: tensors.map(({ data, ...tensor }) => ({ ...tensor, parameters: { binary_data_size: data.byteLength } })) }),
  );
  response.writeHead(200, { 'inference-header-content-length': String(header.length) });
  response.end(Buffer.concat([header, ...tensors.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength))]));
}

function send(response: ServerResponse, value: object, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
