import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StudioError } from '../../../src/contract/errors.js';
import { type NamedTensor, readSafetensors, writeSafetensors } from '../../../src/engine/safetensors.js';

/** A file put together by hand, with any header. */
function file(header: unknown, dataBytes = 0, text = JSON.stringify(header)): Uint8Array {
  const json = new TextEncoder().encode(text);
  const out = new Uint8Array(8 + json.length + dataBytes);
  new DataView(out.buffer).setBigUint64(0, BigInt(json.length), true);
  out.set(json, 8);
  return out;
}

const tensor: fc.Arbitrary<NamedTensor> = fc.oneof(
  fc.float32Array().map((data) => ({ shape: [data.length], data })),
  fc.int32Array().map((data) => ({ shape: [1, data.length], data })),
  fc.uint8Array().map((data) => ({ shape: [data.length, 1, 1], data })),
);
const tensors = fc.dictionary(
  fc.string().filter((name) => name !== '__metadata__' && name !== '__proto__'),
  tensor,
  { noNullPrototype: true },
);
const texts = fc.dictionary(
  fc.string().filter((name) => name !== '__proto__'),
  fc.string(),
  { noNullPrototype: true },
);

describe('safetensors', () => {
  test('what is written is read again', () => {
    fc.assert(
      fc.property(tensors, texts, (written, metadata) => {
        const read = readSafetensors(writeSafetensors(written, metadata));
        expect(Object.fromEntries(read.tensors)).toEqual(written);
        expect(read.metadata).toEqual(metadata);
      }),
      { seed: 2, numRuns: 200 },
    );
  });

  test('damage anywhere is an error that says so, or leaves a readable file, but nothing else', () => {
    const good = writeSafetensors(
      { a: { shape: [2, 3], data: new Float32Array(6) }, b: { shape: [4], data: new Uint8Array(4) } },
      { model: 'tiny' },
    );
    const damage = fc.record({ at: fc.nat(good.length - 1), byte: fc.nat(255), length: fc.integer({ min: 0, max: good.length }) });
    fc.assert(
      fc.property(damage, ({ at, byte, length }) => {
        const bytes = good.slice();
        bytes[at] = byte;
        try {
          readSafetensors(bytes.subarray(0, length));
        } catch (error) {
          expect(error).toBeInstanceOf(StudioError);
        }
      }),
      { seed: 3, numRuns: 2000 },
    );
  });

  test('any bytes at all are either read or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          readSafetensors(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(StudioError);
        }
      }),
      { seed: 4, numRuns: 2000 },
    );
  });

  const f32 = (begin: number, end: number, shape: unknown = [(end - begin) / 4]) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });
  test.each([
    ['is too short', new Uint8Array(7)],
    ['declares too long a header: the limit is 1 MiB', new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0x7f])],
    ['ends inside its header', file({}).subarray(0, 9)],
    ['not JSON', file(null, 0, '{"a":')],
    ['not a JSON object', file([])],
    [
      'declares too many tensors: the limit is 1,024',
      file(Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [`t${i}`, f32(0, 0)]))),
    ],
    ['not valid: a', file({ a: { dtype: 'F64', shape: [], data_offsets: [0, 8] } }, 8)],
    ['not valid: a', file({ a: f32(0, 4, [-1]) }, 4)],
    ['not valid: a', file({ a: f32(0, 4, [0.5]) }, 4)],
    ['not valid: __metadata__', file({ __metadata__: { n: 1 } })],
    ['overlap', file({ a: f32(0, 8), b: f32(4, 12) }, 12)],
    ['hole', file({ a: f32(0, 4), b: f32(8, 12) }, 12)],
    ['ends inside the tensor a', file({ a: f32(0, 8) }, 4)],
    ['4 bytes for a, whose shape needs 8', file({ a: f32(0, 4, [2]) }, 4)],
    ['whose shape needs', file({ a: f32(0, 4, [2 ** 40, 2 ** 40, 2 ** 40]) }, 4)],
    ['after its last tensor', file({ a: f32(0, 4) }, 5)],
  ])('refuses a file that %s', (message, bytes) => {
    expect(() => readSafetensors(bytes)).toThrow(message);
    expect(() => readSafetensors(bytes)).toThrow(StudioError);
  });

  test('half precision is widened exactly', () => {
    const halves = new Uint16Array([0x0000, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400, 0x7c00, 0xfc00, 0x7e00]);
    const bytes = file({ h: { dtype: 'F16', shape: [10], data_offsets: [0, 20] } }, 20);
    bytes.set(new Uint8Array(halves.buffer), bytes.length - 20);
    expect([...(readSafetensors(bytes).tensors.get('h')?.data ?? [])]).toEqual([
      0,
      -0,
      1,
      -2,
      65504,
      2 ** -24,
      2 ** -14,
      Infinity,
      -Infinity,
      NaN,
    ]);
  });

  test('reads from a view into a pooled Node buffer', () => {
    const written = writeSafetensors({ a: { shape: [3], data: Int32Array.from([1, -2, 3]) } });
    const pooled = Buffer.concat([Buffer.from('x'), written]).subarray(1);
    expect(readSafetensors(pooled).tensors.get('a')?.data).toEqual(Int32Array.from([1, -2, 3]));
  });

  test('a shape that does not hold the numbers is the caller’s mistake', () => {
    expect(() => writeSafetensors({ a: { shape: [2], data: new Float32Array(3) } })).toThrow(RangeError);
  });
});
