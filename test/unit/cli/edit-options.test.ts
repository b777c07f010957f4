import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePositions, parseSetCode } from '../../../src/cli/edit-options.js';

describe('positions on the command line', () => {
  it('are numbers and ranges, each once', () => {
    expect(parsePositions('3')).toEqual([3]);
    expect(parsePositions('0,3, 8-11,9')).toEqual([0, 3, 8, 9, 10, 11]);
    fc.assert(
      fc.property(fc.nat(4096), fc.nat(50), (from, more) => {
        expect(parsePositions(`${from}-${from + more}`)).toEqual(Array.from({ length: more + 1 }, (_, n) => from + n));
      }),
    );
  });

  it.each(['', ',', '3,', 'x', '5-3', '-3', '1.5', '0-99999999999'])('%j is none', (text) => {
    expect(parsePositions(text)).toBeNull();
  });
});

describe('codes on the command line', () => {
  it('are POS,DEPTH=CODE', () => {
    expect(parseSetCode('12,3=841')).toEqual({ position: 12, depth: 3, code: 841 });
    for (const text of ['', '12=3', '1,2,3', '1,2=x', '1,-2=3']) expect(parseSetCode(text)).toBeNull();
  });
});
