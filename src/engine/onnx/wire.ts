import { StudioError } from '../../contract/errors.js';

/**
 * A field of a protobuf message. `value` is an int64, rounded where no double holds it. `bytes` is a view into the file: nothing is copied, so
 * nothing is allocated for what a length claims.
 */
export type Field =
  | { readonly number: number; readonly wire: 'varint'; readonly value: number }
  | { readonly number: number; readonly wire: 'fixed32' | 'fixed64' | 'bytes'; readonly bytes: Uint8Array };

/** Which fields a message may have. `one` may stand at most once: readers of protobuf disagree on, or merge, what stands twice. */
export interface MessageShape {
  readonly name: string;
  readonly one: readonly number[];
  readonly many: readonly number[];
}

/** A tag is a field's number, below 2^29, and three bits of wire type. */
const LONGEST_TAG = 5;
const LONGEST_VARINT = 10;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The fields of a message in their order.
 * @throws StudioError `bad-file` where it ends inside a field, or has one that its shape does not know, or one twice that may be there once
 */
export function* fields(bytes: Uint8Array, shape: MessageShape): Generator<Field> {
  const seen = new Set<number>();
  for (const field of rawFields(bytes, shape.name)) {
    const once = shape.one.includes(field.number);
    if (!once && !shape.many.includes(field.number)) {
      throw damaged(`has a field number ${field.number} in its ${shape.name}, which this studio does not know`);
    }
    if (once && seen.has(field.number)) throw damaged(`has the field number ${field.number} twice in one ${shape.name}`);
    seen.add(field.number);
    yield field;
  }
}

function* rawFields(bytes: Uint8Array, name: string): Generator<Field> {
  let at = 0;
  const varint = (longest: number): number => {
    const { value, next } = readVarint(bytes, at, longest, name);
    at = next;
    return value;
  };
  const take = (length: number): Uint8Array => {
    // Below 0 where its highest bit is set: protobuf has no such lengths.
    if (length < 0 || length > bytes.length - at) throw damaged(`ends inside its ${name}`);
    const taken = bytes.subarray(at, at + length);
    at += length;
    return taken;
  };
  while (at < bytes.length) {
    const tag = varint(LONGEST_TAG);
    const number = Math.floor(tag / 8);
    if (number === 0) throw damaged(`has a field number 0 in its ${name}`);
    switch (tag % 8) {
      case 0:
        yield { number, wire: 'varint', value: varint(LONGEST_VARINT) };
        break;
      case 1:
        yield { number, wire: 'fixed64', bytes: take(8) };
        break;
      case 2:
        yield { number, wire: 'bytes', bytes: take(varint(LONGEST_VARINT)) };
        break;
      case 5:
        yield { number, wire: 'fixed32', bytes: take(4) };
        break;
      default:
        throw damaged(`has a field of an unknown kind in its ${name}`);
    }
  }
}

function readVarint(bytes: Uint8Array, start: number, longest: number, name: string): { value: number; next: number } {
  let value = 0;
  for (let i = 0; i < longest; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) throw damaged(`ends inside its ${name}`);
    value += (byte & 0x7f) * 2 ** (7 * i);
    // Seven bytes hold 49 bits, exact in a double; longer ones are rare, and may be negative.
    if (byte < 0x80) return { value: i < 7 ? value : longVarint(bytes, start, i + 1), next: start + i + 1 };
  }
  throw damaged(`has a number without an end in its ${name}`);
}

function longVarint(bytes: Uint8Array, start: number, length: number): number {
  let value = 0n;
  for (let i = 0; i < length; i++) value |= BigInt((bytes[start + i] ?? 0) & 0x7f) << BigInt(7 * i);
  return Number(BigInt.asIntN(64, value));
}

/** A whole number that fits a double. */
export function integer(field: Field): number {
  if (field.wire !== 'varint') throw wrongKind(field);
  if (!Number.isSafeInteger(field.value)) throw damaged('has a number too large to count with');
  return field.value;
}

/** Contents of a nested message, a string or packed numbers. */
export function contents(field: Field): Uint8Array {
  if (field.wire !== 'bytes') throw wrongKind(field);
  return field.bytes;
}

/** @param longest in bytes */
export function text(field: Field, longest: number): string {
  const bytes = contents(field);
  if (bytes.length > longest) throw damaged(`has a name of ${bytes.length} bytes, and a name has at most ${longest}`);
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw damaged('has a name that is not UTF-8', cause);
  }
}

/** Numbers of a repeated field, of which protobuf allows both forms: one a field, or all packed in one. */
export function integers(field: Field): number[] {
  if (field.wire === 'varint') return [integer(field)];
  const bytes = contents(field);
  const values: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const { value, next } = readVarint(bytes, at, LONGEST_VARINT, 'list of numbers');
    values.push(integer({ number: field.number, wire: 'varint', value }));
    at = next;
  }
  return values;
}

/** How many numbers a repeated field holds, without reading them. `size` is that of each in bytes, or 0 for varints. */
export function countNumbers(field: Field, size: 0 | 4 | 8): number {
  if (field.wire !== 'bytes') {
    if (field.wire !== (size === 0 ? 'varint' : size === 4 ? 'fixed32' : 'fixed64')) throw wrongKind(field);
    return 1;
  }
  if (size > 0) {
    if (field.bytes.length % size !== 0) throw damaged('has packed numbers that end inside one');
    return field.bytes.length / size;
  }
  let count = 0;
  // The last byte of a varint is the one whose highest bit is clear.
  for (const byte of field.bytes) if (byte < 0x80) count++;
  if ((field.bytes.at(-1) ?? 0) >= 0x80) throw damaged('has packed numbers that end inside one');
  return count;
}

/** What is wrong with a file, as a clause that follows its name. */
export function damaged(clause: string, cause?: unknown): StudioError {
  return new StudioError('bad-file', clause, { cause });
}

function wrongKind({ number, wire }: Field): StudioError {
  return damaged(`has a ${wire} where another kind of value is due (field number ${number})`);
}
