import type { TensorBorder } from '../borders.js';
import type { TensorData } from '../safetensors.js';

/** What the KServe v2 protocol (Open Inference Protocol) says, whichever way it travels. */

export interface WireTensor {
  name: string;
  type: TensorBorder['type'];
  shape: readonly number[];
  data: TensorData;
}

/** What is asked for: its shape is known before, so that an answer of another size is none. */
export type WantedTensor = Omit<WireTensor, 'data'>;

/** Shapes with -1 for a dimension that is free; no tensors at all where a server says nothing of its model. */
export interface ModelMetadata {
  inputs: readonly TensorMetadata[];
  outputs: readonly TensorMetadata[];
}

export interface TensorMetadata {
  name: string;
  datatype: string;
  shape: readonly number[];
}

/** One server. Every method throws `RemoteFailure`. */
export interface InferenceClient {
  /** As `RESGEN_REMOTE` names it. */
  readonly address: string;
  /** Returns where the server has the model loaded; what it throws is always worth another try. */
  checkReady(model: string): Promise<void>;
  modelMetadata(model: string): Promise<ModelMetadata>;
  /** @returns the outputs in the order asked for, each of the size asked for */
  infer(model: string, inputs: readonly WireTensor[], outputs: readonly WantedTensor[]): Promise<TensorData[]>;
  /** Gives its connections back. A later call opens new ones. */
  close(): void;
}

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

/** Passes a failure on as one that may go better later: a server that has just started may not know its models yet. */
export async function worthAnotherTry(asked: Promise<void>): Promise<void> {
  try {
    await asked;
  } catch (error) {
    throw error instanceof RemoteFailure ? new RemoteFailure(error.message, true, { cause: error }) : error;
  }
}

export const DATATYPES = { int32: 'INT32', float32: 'FP32', uint8: 'UINT8' } as const satisfies Record<TensorBorder['type'], string>;
const ARRAYS = { int32: Int32Array, float32: Float32Array, uint8: Uint8Array } as const;

/** A tensor of an answer, with its values as bytes or as numbers. */
export interface AnsweredTensor {
  name: string;
  datatype: string;
  values: Uint8Array | readonly unknown[];
}

/** @throws RemoteFailure where an output is missing or is of another type or size */
export function readOutputs(answered: readonly AnsweredTensor[], wanted: readonly WantedTensor[]): TensorData[] {
  return wanted.map((tensor) => {
    const found = answered.find(({ name }) => name === tensor.name);
    if (!found) throw malformed(`its answer has no output ${tensor.name}`);
    const datatype = DATATYPES[tensor.type];
    if (found.datatype !== datatype) throw malformed(`its output ${tensor.name} is ${found.datatype} and not ${datatype}`);
    const data = found.values instanceof Uint8Array ? fromBytes(tensor, found.values) : fromNumbers(tensor, found.values);
    if (data?.length !== count(tensor.shape)) throw malformed(`its output ${tensor.name} has not the size that was asked for`);
    return data;
  });
}

/** Little-endian, as every machine that Node runs on. */
export function bytesOf({ data }: WireTensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function fromBytes({ type }: WantedTensor, bytes: Uint8Array): TensorData | null {
  const ArrayType = ARRAYS[type];
  if (bytes.byteLength % ArrayType.BYTES_PER_ELEMENT !== 0) return null;
  // A copy: a view needs an aligned start, which bytes inside a message seldom have.
  return new ArrayType(new Uint8Array(bytes).buffer);
}

function fromNumbers({ type }: WantedTensor, data: readonly unknown[]): TensorData | null {
  // Flat, or nested by dimension: the protocol allows both in JSON.
  const flat = data.flat(8);
  return flat.every((value): value is number => typeof value === 'number') ? ARRAYS[type].from(flat) : null;
}

export const malformed = (message: string, cause?: unknown): RemoteFailure => new RemoteFailure(message, false, { cause });
export const count = (shape: readonly number[]): number => shape.reduce((product, dimension) => product * dimension, 1);
export const noAnswer = (ms: number): string => `it gave no answer in ${ms / 1000} s`;
