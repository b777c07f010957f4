import { StudioError } from '../../contract/errors.js';
import { MODEL_LIMITS } from '../../contract/model.js';
import type { Tokens } from './edits.js';

/** NumPy's array file: magic, version, length of a header that is a Python literal, then the numbers. */
const MAGIC = '\x93NUMPY';
const SIZES = { '<i8': 8, '<i4': 4, '<i2': 2, '|i1': 1, '<u2': 2, '|u1': 1, '<u4': 4, '<u8': 8 } as const;
const HEADER = /^\{'descr': '([^']+)', 'fortran_order': (True|False), 'shape': \((\d+), (\d+)\), \}\s*$/;

/** int32 `[L, D]`, as `numpy.load` reads it. */
export function writeNpy({ L, D, codes }: Tokens): Uint8Array<ArrayBuffer> {
  const header = `{'descr': '<i4', 'fortran_order': False, 'shape': (${L}, ${D}), }`;
  // The numbers start at a multiple of 64.
  const length = Math.ceil((10 + header.length + 1) / 64) * 64;
  const bytes = new Uint8Array(length + codes.byteLength);
  bytes.set(latin1(MAGIC));
  bytes.set([1, 0], 6);
  new DataView(bytes.buffer).setUint16(8, length - 10, true);
  bytes.set(latin1(header.padEnd(length - 11) + '\n'), 10);
  bytes.set(new Uint8Array(codes.buffer, codes.byteOffset, codes.byteLength), length);
  return bytes;
}

/**
 * Codes `[L, D]` of any integer type, row by row.
 * @throws StudioError `bad-file`: what is wrong with it, as a clause that follows its name
 */
export function readNpy(bytes: Uint8Array): Tokens {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!isNpy(bytes) || bytes.length < 12) throw bad('is no NumPy array');
  const version = bytes[6];
  const start = version === 1 ? 10 : 12;
  const end = start + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  const [, type = '', order, rows, columns] = HEADER.exec(String.fromCharCode(...bytes.subarray(start, Math.min(end, start + 1024)))) ?? [];
  const size = type in SIZES ? SIZES[type as keyof typeof SIZES] : undefined;
  if (!size || order !== 'False') throw bad('is not an array [L, D] of whole numbers, row by row: save it as codes.astype("int32")');
  const [L, D] = [Number(rows), Number(columns)];
  if (L < 1 || D < 1 || L > MODEL_LIMITS.positions || D > MODEL_LIMITS.depths) throw bad('holds more tokens than any model of the studio');
  if (bytes.length - end !== L * D * size) throw bad('is cut off, or has more numbers than its shape');
  const codes = Array.from({ length: L * D }, (_, n) => readNumber(view, end + n * size, type as keyof typeof SIZES));
  if (codes.some((code) => code < 0 || code >= MODEL_LIMITS.codes)) throw bad(`has a code outside 0 to ${MODEL_LIMITS.codes - 1}`);
  return { L, D, codes: Int32Array.from(codes) };
}

export function isNpy(bytes: Uint8Array): boolean {
  return latin1(MAGIC).every((byte, n) => bytes[n] === byte);
}

function readNumber(view: DataView, place: number, type: keyof typeof SIZES): number {
  switch (type) {
    case '<i8':
      return Number(view.getBigInt64(place, true));
    case '<u8':
      return Number(view.getBigUint64(place, true));
    case '<i4':
      return view.getInt32(place, true);
    case '<u4':
      return view.getUint32(place, true);
    case '<i2':
      return view.getInt16(place, true);
    case '<u2':
      return view.getUint16(place, true);
    case '|i1':
      return view.getInt8(place);
    case '|u1':
      return view.getUint8(place);
  }
}

/** A line of names, then a line a position: for spreadsheets. */
export function writeCsv({ L, D, codes }: Tokens): string {
  const names = ['position', ...Array.from({ length: D }, (_, j) => `depth ${j + 1}`)];
  const lines = Array.from({ length: L }, (_, i) => [i, ...codes.subarray(i * D, (i + 1) * D)].join(','));
  return `${[names.join(','), ...lines].join('\r\n')}\r\n`;
}

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

function bad(clause: string): StudioError {
  return new StudioError('bad-file', clause);
}
