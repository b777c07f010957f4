import { type Limit, LIMITS, limitClause } from '../../contract/limits.js';
import { type Field, type MessageShape, contents, countNumbers, damaged, fields, integer, integers, text } from './wire.js';

/** Fields by their numbers in onnx.proto, of which only those read here have names. */
const TENSOR: MessageShape = { name: 'tensor', one: [2, 3, 8, 9, 12, 14], many: [1, 4, 5, 6, 7, 10, 11, 13, 16] };
const F = {
  dims: 1,
  type: 2,
  floats: 4,
  ints: 5,
  strings: 6,
  longs: 7,
  name: 8,
  raw: 9,
  doubles: 10,
  ulongs: 11,
  external: 13,
  location: 14,
};

interface ElementType {
  /** Bytes of one number. */
  size: number;
  /** The field that holds such numbers where they are not raw, and the size of each there; 0 for varints. */
  field: number;
  packed: 0 | 4 | 8;
}

const INTS = { field: F.ints, packed: 0 } as const;
const ULONGS = { field: F.ulongs, packed: 0 } as const;

/** By their numbers in onnx.proto. Left out are text, complex numbers, and those of 8 bits or fewer that no exporter here writes. */
const ELEMENT_TYPES: ReadonlyMap<number, ElementType> = new Map([
  [1, { size: 4, field: F.floats, packed: 4 }],
  [2, { size: 1, ...INTS }],
  [3, { size: 1, ...INTS }],
  [4, { size: 2, ...INTS }],
  [5, { size: 2, ...INTS }],
  [6, { size: 4, ...INTS }],
  [7, { size: 8, field: F.longs, packed: 0 }],
  [9, { size: 1, ...INTS }],
  [10, { size: 2, ...INTS }],
  [11, { size: 8, field: F.doubles, packed: 8 }],
  [12, { size: 4, ...ULONGS }],
  [13, { size: 8, ...ULONGS }],
  [16, { size: 2, ...INTS }],
]);

const INT64 = 7;
const HALVES: ReadonlySet<number> = new Set([10, 16]);
/** A shape given as a tensor has one number an axis; longer lists are read by nobody here. */
const FEW = LIMITS.graph.limits.rank.value;

/** What a stored tensor comes to. */
export interface StoredTensor {
  name: string;
  /** Of the numbers, half precision counted as its own bytes and those of the float32 it is widened to. */
  bytes: number;
  /** Its numbers where it is a short list of int64, as shapes are; null for all others. */
  few: readonly number[] | null;
}

/** Bytes of a number of that type. @throws StudioError `bad-file` for one that no graph here may have */
export function elementSize(type: number): number {
  const known = ELEMENT_TYPES.get(type);
  if (!known) throw damaged(`has numbers of the type ${type}, which this studio does not use`);
  return known.size;
}

/** Product of a shape's dimensions, which must be none of them negative. */
export function elements(dims: readonly number[], name: string): number {
  checkLimit(dims.length, LIMITS.graph.limits.rank, `gives ${quote(name)} ${dims.length} axes`);
  let product = 1;
  for (const dim of dims) {
    if (dim < 0) throw damaged(`gives ${quote(name)} an axis of ${dim}`);
    product *= dim;
  }
  if (!Number.isSafeInteger(product)) throw damaged(`gives ${quote(name)} more numbers than any machine holds`);
  return product;
}

/**
 * Reads a TensorProto and checks that it holds exactly as many numbers as its shape says.
 * @throws StudioError `bad-file`
 */
export function readTensor(bytes: Uint8Array): StoredTensor {
  const dims: number[] = [];
  const held = new Map<number, Field[]>();
  let [name, type, location] = ['', 0, 0];
  for (const field of fields(bytes, TENSOR)) {
    if (field.number === F.name) name = text(field, LIMITS.graph.limits.name.value);
    else if (field.number === F.type) type = integer(field);
    else if (field.number === F.location) location = integer(field);
    else if (field.number === F.external) throw external(name);
    else if (field.number === F.dims) {
      dims.push(...integers(field));
      checkLimit(dims.length, LIMITS.graph.limits.rank, `gives a tensor ${dims.length} axes`);
    } else held.set(field.number, [...(held.get(field.number) ?? []), field]);
  }
  if (location !== 0) throw external(name);
  if (held.has(3)) throw damaged(`has the tensor ${quote(name)} in pieces`);
  const element = ELEMENT_TYPES.get(type);
  const size = elementSize(type);
  const expected = elements(dims, name);
  const [where, more] = [F.floats, F.ints, F.strings, F.longs, F.raw, F.doubles, F.ulongs].filter((number) => held.has(number));
  if (more !== undefined) throw damaged(`gives ${quote(name)} its numbers twice`);
  const data = where === undefined ? [] : (held.get(where) ?? []);
  if (where === F.raw) {
    const raw = data.reduce((sum, field) => sum + contents(field).length, 0);
    if (raw !== expected * size) throw damaged(`has ${raw} bytes for ${quote(name)}, whose shape needs ${expected * size}`);
  } else {
    if (where !== undefined && where !== element?.field) throw damaged(`gives ${quote(name)} numbers of another type than it says`);
    const found = data.reduce((sum, field) => sum + countNumbers(field, element?.packed ?? 0), 0);
    if (found !== expected) throw damaged(`has ${found} numbers for ${quote(name)}, whose shape needs ${expected}`);
  }
  const few = type === INT64 && expected <= FEW && dims.length <= 1 ? shortList(data, where === F.raw) : null;
  return { name, bytes: expected * (size + (HALVES.has(type) ? 4 : 0)), few };
}

function shortList(data: readonly Field[], raw: boolean): number[] {
  if (!raw) return data.flatMap(integers);
  return data.flatMap((field) => {
    const bytes = contents(field);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return Array.from({ length: bytes.length / 8 }, (_, i) => Number(view.getBigInt64(8 * i, true)));
  });
}

export function checkLimit(value: number, limit: Limit, what: string): void {
  if (value > limit.value) throw damaged(`${what}; ${limitClause(limit)}`);
}

/** A name out of the file, short enough for a sentence. */
export function quote(name: string): string {
  return name === '' ? 'a tensor' : `“${name.length > 60 ? `${name.slice(0, 60)}…` : name}”`;
}

function external(name: string) {
  return damaged(`keeps ${quote(name)} in another file, and everything has to be inside the graph`);
}
