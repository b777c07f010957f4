import { describe, expect, test } from 'vitest';
import type { Recipe } from '../../../src/contract/records.js';
import { type TokenFile, readSafetensors, readTokenFile, writeSafetensors, writeTokenFile } from '../../../src/engine/index.js';
import { SAMPLING } from './fixtures.js';

const recipe: Recipe = {
  format: 1,
  studio: '0.1.0',
  model: { id: 'tiny', version: '1.0.0' },
  kind: 'image',
  verb: 'generate',
  className: 'Circle',
  seed: 4,
  sampling: SAMPLING,
};
const file: TokenFile = {
  L: 4,
  D: 2,
  codes: Int32Array.from([1, 2, 3, 4, 5, 6, 7, 8]),
  revealedAt: Uint8Array.from([1, 1, 2, 2, 3, 3, 4, 4]),
  confidence: Float32Array.from({ length: 8 }, (_, i) => -i / 2),
  model: 'tiny',
  version: '1.0.0',
  grid: [2, 2],
  recipe,
};

/** The file with its metadata or tensors changed. */
function altered(change: { metadata?: Record<string, string>; tensors?: Parameters<typeof writeSafetensors>[0] }): Uint8Array {
  const { tensors, metadata } = readSafetensors(writeTokenFile(file));
  return writeSafetensors({ ...Object.fromEntries(tensors), ...change.tensors }, { ...metadata, ...change.metadata });
}

describe('token files', () => {
  test('what is written is read again', () => {
    expect(readTokenFile(writeTokenFile(file))).toEqual(file);
  });

  test('need no more than codes and a recipe', () => {
    const { L, D, codes, model, version } = file;
    const encoded: TokenFile = { L, D, codes, model, version, recipe: { ...recipe, verb: 'encode' } };
    expect(readTokenFile(writeTokenFile(encoded))).toEqual(encoded);
  });

  test.each([
    ['too short', new Uint8Array(3)],
    ['no tensor codes', altered({ tensors: { codes: { shape: [8], data: new Int32Array(8) } } })],
    ['no tensor codes', altered({ tensors: { codes: { shape: [4, 2], data: new Float32Array(8) } } })],
    ['negative code', altered({ tensors: { codes: { shape: [4, 2], data: new Int32Array(8).fill(-1) } } })],
    ['more tokens than any model', altered({ tensors: { codes: { shape: [1, 200], data: new Int32Array(200) } } })],
    ['revealed_at', altered({ tensors: { revealed_at: { shape: [3], data: new Uint8Array(3) } } })],
    ['confidence', altered({ tensors: { confidence: { shape: [8], data: new Int32Array(8) } } })],
    ['recipe that is not JSON', altered({ metadata: { recipe: '{' } })],
    ['recipe that is not valid: format', altered({ metadata: { recipe: JSON.stringify({ ...recipe, format: 2 }) } })],
    ['grid that does not hold', altered({ metadata: { grid: '[3,2]' } })],
    ['metadata that is not valid: model', altered({ metadata: { model: '../../etc' } })],
  ])('refuses one that has %s', (message, bytes) => {
    expect(() => readTokenFile(bytes)).toThrow(message);
    expect(() => readTokenFile(bytes)).toThrow(/^This token file .*Choose a file that the studio saved\.$/);
  });
});
