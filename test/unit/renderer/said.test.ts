import { describe, expect, it } from 'vitest';
import { textFrames } from '../../../src/engine/speech.js';
import { saidOf, wordsAt } from '../../../src/renderer/inspector/said/said.js';
import { item, recipe } from './fakes.js';

const phones = ['_', 'HH', 'AH0', 'L', 'OW1', ',', '_', 'W', 'ER1', 'L', 'D', '.'];
const ms = [60, 41, 70, 60, 130, 80, 0, 57, 90, 61, 44, 100];
const L = Math.round(ms.reduce((a, b) => a + b) / 20);

function said(seconds: number | null = 0.02) {
  const spoken = { text: 'Hello, world.', speed: 1, phones, ms };
  return saidOf({
    item: { ...item('a'), kind: 'speech', recipe: { ...recipe, kind: 'speech', speech: spoken } },
    L,
    secondsPerPosition: seconds,
  });
}

describe('words and phones of a spoken item', () => {
  it('lie where the engine has them', () => {
    const heard = textFrames(ms, { L, positionsPerSecond: 50, R: 1 });
    const at = (i: number) => said()?.phones.findLast(({ first, last }) => i >= first && i <= last)?.label;
    const expected = [...heard].map((n) => (/^[A-Z]/.test(phones[n] ?? '') ? phones[n]?.replace(/\d/, '') : undefined));
    expect(Array.from({ length: L }, (_, i) => at(i))).toEqual(expected);
  });

  it('make words as they are written, and the silence of a mark is no part of one', () => {
    expect(said()?.words).toEqual([
      { label: 'Hello,', first: 3, last: 17 },
      { label: 'world.', first: 22, last: 34 },
    ]);
  });

  it('are named for a selection that touches them', () => {
    const of = said();
    expect(of && wordsAt(of, new Set([17, 20]))).toEqual(['Hello,']);
    expect(of && wordsAt(of, new Set([0, 18]))).toEqual([]);
  });

  it('are of items that were said, by a model whose positions have a length', () => {
    expect(saidOf({ item: item('a'), L: 4, secondsPerPosition: 0.02 })).toBeNull();
    expect(said(null)).toBeNull();
  });
});
