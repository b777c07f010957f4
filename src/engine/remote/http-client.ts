import { z } from 'zod';
import type { TensorData } from '../safetensors.js';
import { REMOTE_LIMITS } from './limits.js';
import {
  type AnsweredTensor,
  DATATYPES,
  type InferenceClient,
  type ModelMetadata,
  RemoteFailure,
  type WantedTensor,
  type WireTensor,
  bytesOf,
  count,
  malformed,
  noAnswer,
  readOutputs,
  worthAnotherTry,
} from './protocol.js';

const BINARY = 'binary_tensor_data';
const HEADER_LENGTH = 'inference-header-content-length';

const ServerMetadata = z.object({ name: z.string().default(''), extensions: z.array(z.string()).default([]) });

const TensorMetadata = z.object({ name: z.string(), datatype: z.string(), shape: z.array(z.int()) });
const Metadata = z.object({
  inputs: z
    .array(TensorMetadata)
    .nullish()
    .transform((list) => list ?? []),
  outputs: z
    .array(TensorMetadata)
    .nullish()
    .transform((list) => list ?? []),
});

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

/** A server of the protocol over HTTP, with its binary tensor extension where it has that. */
export class HttpClient implements InferenceClient {
  #binary: boolean | undefined;

  constructor(
    /** `http://server:8000`, without a slash at its end. */
    readonly address: string,
    private readonly inferMs: number,
  ) {}

  checkReady(model: string): Promise<void> {
    return worthAnotherTry(this.#ask(`/v2/models/${model}/ready`).then(() => undefined));
  }

  async modelMetadata(model: string): Promise<ModelMetadata> {
    return parsed(Metadata, await this.#ask(`/v2/models/${model}`));
  }

  async infer(model: string, inputs: readonly WireTensor[], outputs: readonly WantedTensor[]): Promise<TensorData[]> {
    this.#binary ??= parsed(ServerMetadata, await this.#ask('/v2')).extensions.includes(BINARY);
    const { body, headers } = this.#binary ? binaryRequest(inputs, outputs) : jsonRequest(inputs, outputs);
    const limit = outputs.reduce((bytes, { shape }) => bytes + count(shape) * REMOTE_LIMITS.numberBytes, REMOTE_LIMITS.textBytes);
    const response = await this.#send(`/v2/models/${model}/infer`, { method: 'POST', body, headers }, this.inferMs, limit);
    return readOutputs(readAnswer(response), outputs);
  }

  /** Connections are fetch's own, which ends those that nobody uses. */
  close(): void {}

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
  if (error.name === 'TimeoutError') return noAnswer(ms);
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

/** JSON that tells the sizes, then the tensors' bytes. */
function binaryRequest(inputs: readonly WireTensor[], outputs: readonly WantedTensor[]): Request {
  const bytes = inputs.map(bytesOf);
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

function readAnswer({ bytes, headerLength }: { bytes: Uint8Array; headerLength: string | null }): AnsweredTensor[] {
  const jsonBytes = headerLength === null ? bytes.byteLength : Number(headerLength);
  if (!Number.isInteger(jsonBytes) || jsonBytes < 0 || jsonBytes > bytes.byteLength) throw malformed('its header has no sound length');
  let at = jsonBytes;
  return parsed(InferResponse, bytes.subarray(0, jsonBytes)).outputs.map(({ name, datatype, data, parameters }) => {
    const size = parameters?.binary_data_size;
    if (size === undefined) return { name, datatype, values: data ?? [] };
    const values = bytes.subarray(at, at + size);
    at += size;
    return { name, datatype, values };
  });
}

function parsed<T extends z.ZodType>(schema: T, bytes: Uint8Array): z.infer<T> {
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    throw malformed('its answer is not of the KServe v2 protocol', cause);
  }
}
