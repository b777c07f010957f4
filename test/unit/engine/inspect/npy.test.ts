import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readNpy, writeCsv, writeNpy } from '../../../../src/engine/inspect/npy.js';
import { tokensAndDepth } from './arbitraries.js';

/** A NumPy file as another program may have written it. */
function npy(descr: string, shape: string, data: Uint8Array, order = 'False'): Uint8Array {
  const header = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`.padEnd(117) + '\n';
  const bytes = Buffer.alloc(10 + header.length + data.length);
  bytes.write('\x93NUMPY\x01\x00', 'latin1');
  bytes.writeUInt16LE(header.length, 8);
  bytes.write(header, 10, 'latin1');
  bytes.set(data, 10 + header.length);
  return bytes;
}

describe('.npy', () => {
  it('comes back as it was written, its numbers from a multiple of 64 on', () => {
    fc.assert(
      fc.property(tokensAndDepth, ({ tokens }) => {
        const bytes = writeNpy(tokens);
        expect((bytes.length - tokens.codes.byteLength) % 64).toBe(0);
        expect(readNpy(bytes)).toEqual(tokens);
      }),
    );
  });

  it('is read with other integers too, as NumPy makes them by default', () => {
    const data = new Uint8Array(BigInt64Array.of(1n, 2n, 3n, 4n, 5n, 6n).buffer);
    expect(readNpy(npy('<i8', '(2, 3)', data))).toEqual({ L: 2, D: 3, codes: Int32Array.of(1, 2, 3, 4, 5, 6) });
    expect(readNpy(npy('|u1', '(1, 2)', Uint8Array.of(200, 7)))).toEqual({ L: 1, D: 2, codes: Int32Array.of(200, 7) });
  });

  it.each([
    ['no array', Buffer.from('nothing of the kind'), 'is no NumPy array'],
    ['floats', npy('<f4', '(1, 1)', new Uint8Array(4)), 'whole numbers'],
    ['columns first', npy('<i4', '(1, 1)', new Uint8Array(4), 'True'), 'row by row'],
    ['three axes', npy('<i4', '(1, 1, 1)', new Uint8Array(4)), 'an array [L, D]'],
    ['too short', npy('<i4', '(2, 2)', new Uint8Array(12)), 'cut off'],
    ['negative', npy('|i1', '(1, 1)', Uint8Array.of(255)), 'has a code outside'],
    ['too many', npy('<i4', '(100000, 1)', new Uint8Array(4)), 'more tokens than any model'],
  ])('%s is refused', (_, bytes, clause) => {
    expect(() => readNpy(bytes)).toThrow(clause);
  });
});

describe('.csv', () => {
  it('has names, then a line a position', () => {
    expect(writeCsv({ L: 2, D: 2, codes: Int32Array.of(1, 2, 3, 4) })).toBe('position,depth 1,depth 2\r\n0,1,2\r\n1,3,4\r\n');
  });
});
