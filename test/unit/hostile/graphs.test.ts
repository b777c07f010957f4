import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { StudioError } from '../../../src/contract/index.js';
import { checkGraph } from '../../../src/engine/onnx/check-graph.js';
import { CASES, damaged } from './mutations.js';

const CAP = 2 ** 33;
/** Far above what the largest takes here; a check that a few bytes can slow down would go beyond it. */
const SLOWEST_MS = 2000;

const graphs = ['step', 'decode', 'encode'].map((name) => readFileSync(resolve(`test/fixtures/models/tiny/${name}.onnx`)));
const graph = fc.constantFrom(...graphs);

/** Refused with a clause, or taken within sane numbers; never anything else, and never slowly. */
function check(bytes: Uint8Array): void {
  const started = performance.now();
  try {
    const facts = checkGraph(bytes, CAP);
    expect(facts.nodes).toBeGreaterThan(0);
    expect(facts.memoryBytes).toBeLessThanOrEqual(CAP);
  } catch (error) {
    if (!(error instanceof StudioError)) throw error;
    expect(error.code).toBe('bad-file');
    expect(error.message).toMatch(/^(has|uses|says|does|gives|keeps|calls|asks|makes|needs|ends|describes) .*[^.]$/s);
  }
  expect(performance.now() - started).toBeLessThan(SLOWEST_MS);
}

it('a real graph is taken or refused, wherever bytes of it are flipped, cut or doubled', () => {
  fc.assert(fc.property(graph.chain(damaged), check), { numRuns: CASES.graph });
}, 120_000);

it('a real graph that was cut off is refused', () => {
  const cut = graph.chain((bytes) => fc.nat(bytes.length - 1).map((length) => bytes.subarray(0, length)));
  fc.assert(
    fc.property(cut, (bytes) => {
      check(bytes);
      expect(() => checkGraph(bytes, CAP)).toThrow(StudioError);
    }),
    { numRuns: CASES.graph },
  );
}, 120_000);

it('a length that claims more than there is allocates nothing of it', () => {
  const claim = fc.constantFrom(
    [0xff, 0xff, 0xff, 0xff, 0x0f],
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    [0x80, 0x80, 0x80, 0x80, 0x10],
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  );
  const inflated = fc.tuple(graph, claim, fc.nat()).map(([bytes, length, place]) => {
    const places = lengthFields(bytes);
    const at = places[place % places.length] ?? 0;
    // In place of the length that stood there, whatever its own size was.
    let end = at;
    while ((bytes[end] ?? 0) >= 0x80) end++;
    return Buffer.concat([bytes.subarray(0, at), Uint8Array.from(length), bytes.subarray(end + 1)]);
  });
  const before = process.memoryUsage().arrayBuffers;
  fc.assert(
    fc.property(inflated, (bytes) => {
      check(bytes);
      expect(() => checkGraph(bytes, CAP)).toThrow(StudioError);
    }),
    { numRuns: CASES.graph },
  );
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 30);
}, 120_000);

/** Places of the lengths of the model's graph and of its first parts. */
function lengthFields(bytes: Uint8Array): number[] {
  const places: number[] = [];
  const walk = (start: number, end: number, depth: number): void => {
    for (let at = start; at < end && places.length < 2000;) {
      const [tag, next] = varint(bytes, at);
      if (tag % 8 === 0) at = varint(bytes, next)[1];
      else if (tag % 8 === 2) {
        places.push(next);
        const [length, data] = varint(bytes, next);
        const inside = (depth === 0 && tag >> 3 === 7) || (depth === 1 && [1, 5].includes(tag >> 3));
        if (inside) walk(data, data + length, depth + 1);
        at = data + length;
      } else at = next + (tag % 8 === 5 ? 4 : 8);
    }
  };
  walk(0, bytes.length, 0);
  return places;
}

function varint(bytes: Uint8Array, start: number): [value: number, next: number] {
  let [value, at] = [0, start];
  for (let shift = 1; ; shift *= 128) {
    const byte = bytes[at++] ?? 0;
    value += (byte & 0x7f) * shift;
    if (byte < 0x80) return [value, at];
  }
}
