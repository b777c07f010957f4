import { z } from 'zod';
import type { TensorBorder } from '../borders.js';
import type { TensorData } from '../safetensors.js';
import { REMOTE_LIMITS } from './limits.js';

/** The KServe v2 protocol (Open Inference Protocol) over HTTP, with its binary tensor extension where a server has it. */

export interface WireTensor {
  name: string;
  type: TensorBorder['type'];
  shape: readonly number[];
  data: TensorData;
}

/** What is asked for: its shape is known before, so that an answer of another size is none. */
export type WantedTensor = Omit<WireTensor, 'data'>;

const DATATYPES = { int32: 'INT32', float32: 'FP32', uint8: 'UINT8' } as const satisfies Record<TensorBorder['type'], string>;
const ARRAYS = { int32: Int32Array, float32: Float32Array, uint8: Uint8Array } as const;
const BINARY = 'binary_tensor_data';
const HEADER_LENGTH = 'inference-header-content-length';

const ServerMetadata = z.object({ name: z.string().default(''), extensions: z.array(z.string()).default([]) });

const TensorMetadata = z.object({ name: z.string(), datatype: z.string(), shape: z.array(z.int()) });
const ModelMetadata = z.object({
  inputs: z
    .array(TensorMetadata)
    .nullish()
    .transform((list) => list ?? []),
  outputs: z
    .array(TensorMetadata)
    .nullish()
    .transform((list) => list ?? []),
});
export type ModelMetadata = z.infer<typeof ModelMetadata>;

const InferResponse = z.object({
  outputs: z.array(
    z.object({
      name: z.string(),
      datatype: z.string(),
      data: z.array(z.unknown()).optional(),
      parameters: z.object({ binary_data_size: z.int().min(0).optional() }).nullish(),
    }),
  ),
});

/** Why a server gave no result. `again` tells whether another try, here or elsewhere, may go better. */
export class RemoteFailure extends Error {
  override readonly name = 'RemoteFailure';
  constructor(
    message: string,
    readonly again: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** One server. Every method throws `RemoteFailure`. */
export class V2Client {
  #binary: boolean | undefined;

  constructor(
    /** `http://server:8000`, without a slash at its end. */
    readonly address: string,
    private readonly inferMs: number,
  ) {}

  /** Returns where the server has the model loaded. */
  async checkReady(model: string): Promise<void> {
    try {
      await this.#ask(`/v2/models/${model}/ready`);
    } catch (error) {
      // A server that has just started may not know the model yet.
      throw error instanceof RemoteFailure ? new RemoteFailure(error.message, true, { cause: error }) : error;
    }
  }

  async modelMetadata(model: string): Promise<ModelMetadata> {
    return parsed(ModelMetadata, await this.#ask(`/v2/models/${model}`));
  }

  async infer(model: string, inputs: readonly WireTensor[], outputs: readonly WantedTensor[]): Promise<TensorData[]> {
    this.#binary ??= parsed(ServerMetadata, await this.#ask('/v2')).extensions.includes(BINARY);
    const { body, headers } = this.#binary ? binaryRequest(inputs, outputs) : jsonRequest(inputs, outputs);
    const limit = outputs.reduce((bytes, { shape }) => bytes + count(shape) * REMOTE_LIMITS.numberBytes, REMOTE_LIMITS.textBytes);
    const response = await this.#send(`/v2/models/${model}/infer`, { method: 'POST', body, headers }, this.inferMs, limit);
    return readOutputs(response, outputs);
  }

  async #ask(path: string): Promise<Uint8Array> {
    return (await this.#send(path, {}, REMOTE_LIMITS.askMs, REMOTE_LIMITS.textBytes)).bytes;
  }

  async #send(path: string, init: RequestInit, ms: number, limit: number): Promise<{ bytes: Uint8Array; headerLength: string | null }> {
    let response: Response;
    let bytes: Uint8Array;
    try {
      response = await fetch(this.address + path, { ...init, redirect: 'error', signal: AbortSignal.timeout(ms) });
      bytes = await readUpTo(response, limit);
    } catch (cause) {
      if (cause instanceof RemoteFailure) throw cause;
      throw new RemoteFailure(describe(cause, ms), true, { cause });
    }
    if (!response.ok) throw refused(response.status, bytes);
    return { bytes, headerLength: response.headers.get(HEADER_LENGTH) };
  }
}

async function readUpTo(response: Response, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength;
    if (length > limit) throw new RemoteFailure('it sent more than was asked for', false);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

function describe(error: unknown, ms: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `it gave no answer in ${ms / 1000} s`;
  // fetch says only that it failed; what happened is its cause.
  const { cause } = error;
  return cause instanceof Error ? ('code' in cause ? String(cause.code) : cause.message) : error.message;
}

/** A busy or broken server may do better later; one that does not like the request will not. */
function refused(status: number, body: Uint8Array): RemoteFailure {
  const said = new TextDecoder().decode(body.subarray(0, 300)).replace(/\s+/g, ' ').trim();
  return new RemoteFailure(`it answered ${status}${said ? `: ${said}` : ''}`, status >= 500 || status === 408 || status === 429);
}

interface Request {
  body: string | Uint8Array<ArrayBuffer>;
  headers: Record<string, string>;
}

function jsonRequest(inputs: readonly WireTensor[], outputs: readonly WantedTensor[]): Request {
  const body = {
    inputs: inputs.map(({ name, type, shape, data }) => ({ name, datatype: DATATYPES[type], shape, data: Array.from(data) })),
    outputs: outputs.map(({ name }) => ({ name })),
  };
  return { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
}

/** JSON that tells the sizes, then the tensors' bytes, little-endian as every machine that Node runs on. */
function binaryRequest(inputs: readonly WireTensor[], outputs: readonly WantedTensor[]): Request {
  const bytes = inputs.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const header = Buffer.from(
    JSON.stringify({
      inputs: inputs.map(({ name, type, shape }, i) => ({
        name,
        datatype: DATATYPES[type],
        shape,
        parameters: { binary_data_size: bytes[i]?.byteLength ?? 0 },
      })),
      outputs: outputs.map(({ name }) => ({ name, parameters: { binary_data: true } })),
    }),
  );
  return {
    body: new Uint8Array(Buffer.concat([header, ...bytes])),
    headers: { 'content-type': 'application/octet-stream', [HEADER_LENGTH]: String(header.byteLength) },
  };
}

function readOutputs(
  { bytes, headerLength }: { bytes: Uint8Array; headerLength: string | null },
  wanted: readonly WantedTensor[],
): TensorData[] {
  const jsonBytes = headerLength === null ? bytes.byteLength : Number(headerLength);
  if (!Number.isInteger(jsonBytes) || jsonBytes < 0 || jsonBytes > bytes.byteLength) throw malformed('its header has no sound length');
  const { outputs } = parsed(InferResponse, bytes.subarray(0, jsonBytes));
  let at = jsonBytes;
  const found = new Map<string, TensorData>();
  for (const { name, datatype, data, parameters } of outputs) {
    const tensor = wanted.find((candidate) => candidate.name === name);
    const size = parameters?.binary_data_size;
    const binary = size === undefined ? null : bytes.subarray(at, at + size);
    at += size ?? 0;
    if (!tensor) continue;
    if (datatype !== DATATYPES[tensor.type]) throw malformed(`its output ${name} is ${datatype} and not ${DATATYPES[tensor.type]}`);
    const values = binary ? fromBytes(tensor, binary) : fromNumbers(tensor, data ?? []);
    if (values?.length !== count(tensor.shape)) throw malformed(`its output ${name} has not the size that was asked for`);
    found.set(name, values);
  }
  return wanted.map(({ name }) => {
    const values = found.get(name);
    if (!values) throw malformed(`its answer has no output ${name}`);
    return values;
  });
}

function fromBytes({ type }: WantedTensor, bytes: Uint8Array): TensorData | null {
  const ArrayType = ARRAYS[type];
  if (bytes.byteLength % ArrayType.BYTES_PER_ELEMENT !== 0) return null;
  // A copy: a view needs an aligned start, which bytes after JSON seldom have.
  return new ArrayType(new Uint8Array(bytes).buffer);
}

function fromNumbers({ type }: WantedTensor, data: readonly unknown[]): TensorData | null {
  // Flat, or nested by dimension: the protocol allows both.
  const flat = data.flat(8);
  return flat.every((value): value is number => typeof value === 'number') ? ARRAYS[type].from(flat) : null;
}

function parsed<T extends z.ZodType>(schema: T, bytes: Uint8Array): z.infer<T> {
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    throw malformed('its answer is not of the KServe v2 protocol', cause);
  }
}

const malformed = (message: string, cause?: unknown): RemoteFailure => new RemoteFailure(message, false, { cause });
const count = (shape: readonly number[]): number => shape.reduce((product, dimension) => product * dimension, 1);
