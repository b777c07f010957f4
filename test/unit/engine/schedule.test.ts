import { describe, expect, test } from 'vitest';
import { Schedule } from '../../../src/contract/sampling.js';
import { gamma, maskedAfter } from '../../../src/engine/schedule.js';

describe.each(Schedule.options)('%s schedule', (schedule) => {
  test('falls from 1 to 0 without ever rising', () => {
    expect(gamma(schedule, 0)).toBeCloseTo(1, 12);
    expect(gamma(schedule, 1)).toBeCloseTo(0, 12);
    for (let i = 1; i <= 1000; i++) expect(gamma(schedule, i / 1000)).toBeLessThan(gamma(schedule, (i - 1) / 1000));
  });

  test.each([1, 2, 7, 64, 255])('%i steps end with no masked token', (T) => {
    for (const N of [0, 1, 16, 1024]) {
      const counts = Array.from({ length: T }, (_, t) => maskedAfter(schedule, t + 1, T, N));
      expect(counts.at(-1)).toBe(0);
      expect(counts.every((n, t) => Number.isInteger(n) && n >= 0 && n <= (counts[t - 1] ?? N))).toBe(true);
    }
  });
});

test('the formulas', () => {
  expect(gamma('circle', 0.6)).toBeCloseTo(0.8, 12);
  expect(gamma('cosine', 2 / 3)).toBeCloseTo(0.5, 12);
  expect(gamma('exponential', 0.5)).toBeCloseTo((1 - Math.exp(-2.5)) / (1 - Math.exp(-5)), 12);
});

test('an exact count is not rounded up: sqrt(1 - 0.6²) * 1000 is 800', () => {
  expect(maskedAfter('circle', 6, 10, 1000)).toBe(800);
});
