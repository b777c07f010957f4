import { z } from 'zod';
import { StudioError, explain } from '../contract/errors.js';
import { LIMITS, limitClause } from '../contract/limits.js';
import { float16ToFloat32 } from './float16.js';

/**
 * Reads and writes safetensors: 8 bytes of header length, a JSON header, then the tensors' bytes, little-endian as is every machine the
 * studio runs on. Files may come from strangers, so each limit is checked before anything of that size is allocated.
 */
const SAFETENSORS_LIMITS = LIMITS.tensors.limits;

export type TensorData = Float32Array | Int32Array | Uint8Array;

export interface NamedTensor {
  shape: readonly number[];
  /** F16 is widened to float32 when it is read. */
  data: TensorData;
}

export interface Safetensors {
  tensors: ReadonlyMap<string, NamedTensor>;
  metadata: Readonly<Record<string, string>>;
}

const BYTES = { F32: 4, F16: 2, I32: 4, U8: 1 } as const;

const Size = z.int().min(0);
const Entry = z.strictObject({
  dtype: z.enum(['F32', 'F16', 'I32', 'U8']),
  shape: z.array(Size).max(SAFETENSORS_LIMITS.rank.value),
  data_offsets: z.tuple([Size, Size]),
});
type Entry = z.infer<typeof Entry>;
const Metadata = z.record(z.string(), z.string());

/** @throws StudioError `bad-file`: what is wrong with the file, as a clause that follows its name. */
export function readSafetensors(bytes: Uint8Array): Safetensors {
  if (bytes.byteLength > SAFETENSORS_LIMITS.fileBytes.value) throw bad(`is too large: ${limitClause(SAFETENSORS_LIMITS.fileBytes)}`);
  if (bytes.byteLength < 8) throw bad('is too short to be a safetensors file');
  const headerLength = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (headerLength > SAFETENSORS_LIMITS.headerBytes.value)
    throw bad(`declares too long a header: ${limitClause(SAFETENSORS_LIMITS.headerBytes)}`);
  const dataStart = 8 + Number(headerLength);
  if (dataStart > bytes.byteLength) throw bad('ends inside its header');

  const { entries, metadata } = parseHeader(bytes.subarray(8, dataStart));
  checkLayout(entries, bytes.byteLength - dataStart);
  const tensors = new Map<string, NamedTensor>();
  for (const [name, entry] of entries) {
    const [begin, end] = entry.data_offsets;
    // Not `slice`, which in a Node Buffer copies nothing: the copy is what aligns the tensor.
    const own = new Uint8Array(bytes.subarray(dataStart + begin, dataStart + end));
    tensors.set(name, { shape: entry.shape, data: view(entry.dtype, own) });
  }
  return { tensors, metadata };
}

function parseHeader(bytes: Uint8Array): { entries: Map<string, Entry>; metadata: Record<string, string> } {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw bad('has a header that is not JSON', cause);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw bad('has a header that is not a JSON object');
  const fields = Object.entries(json);
  if (fields.length > SAFETENSORS_LIMITS.tensors.value) throw bad(`declares too many tensors: ${limitClause(SAFETENSORS_LIMITS.tensors)}`);

  const entries = new Map<string, Entry>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of fields) {
    if (name === '__metadata__') metadata = check(Metadata, value, name);
    else entries.set(name, check(Entry, value, name));
  }
  return { entries, metadata };
}

function check<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw bad(`has a header that is not valid: ${name}: ${explain(parsed.error)}`);
  return parsed.data;
}

/** The tensors must fill the data area exactly: no overlap, no hole, nothing beyond the end, each as long as its shape says. */
function checkLayout(entries: ReadonlyMap<string, Entry>, dataBytes: number): void {
  const byPlace = [...entries].sort(([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1]);
  let place = 0;
  for (const [name, { dtype, shape, data_offsets }] of byPlace) {
    const [begin, end] = data_offsets;
    if (begin !== place) throw bad(`has tensors that overlap or leave a hole before ${name}`);
    if (end > dataBytes) throw bad(`ends inside the tensor ${name}`);
    const expected = shape.reduce((product, dimension) => product * dimension, BYTES[dtype]);
    if (end - begin !== expected) throw bad(`has ${end - begin} bytes for ${name}, whose shape needs ${expected}`);
    place = end;
  }
  if (place !== dataBytes) throw bad('has bytes after its last tensor');
}

/** `bytes` must own its buffer from the start, so that it is aligned for any type. */
function view(dtype: Entry['dtype'], bytes: Uint8Array<ArrayBuffer>): TensorData {
  switch (dtype) {
    case 'F32':
      return new Float32Array(bytes.buffer);
    case 'F16':
      return float16ToFloat32(new Uint16Array(bytes.buffer));
    case 'I32':
      return new Int32Array(bytes.buffer);
    case 'U8':
      return bytes;
  }
}

/** The file's bytes; the same input gives the same bytes. */
export function writeSafetensors(
  tensors: Readonly<Record<string, NamedTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let place = 0;
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    const elements = shape.reduce((product, dimension) => product * dimension, 1);
    if (elements !== data.length) throw new RangeError(`${name}: shape [${shape.join(', ')}] does not hold ${data.length} numbers`);
    header[name] = { dtype: dtypeOf(data), shape, data_offsets: [place, place + data.byteLength] };
    place += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  // Spaces up to a multiple of 8, as the format's own writers do: the data then starts aligned.
  const headerLength = Math.ceil(json.length / 8) * 8;
  const out = new Uint8Array(8 + headerLength + place).fill(0x20, 8, 8 + headerLength);
  new DataView(out.buffer).setBigUint64(0, BigInt(headerLength), true);
  out.set(json, 8);
  let at = 8 + headerLength;
  for (const { data } of Object.values(tensors)) {
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return out;
}

function dtypeOf(data: TensorData): Entry['dtype'] {
  if (data instanceof Float32Array) return 'F32';
  return data instanceof Int32Array ? 'I32' : 'U8';
}

function bad(clause: string, cause?: unknown): StudioError {
  return new StudioError('bad-file', clause, { cause });
}
