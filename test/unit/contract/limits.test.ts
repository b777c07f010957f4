import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { LIMITS, type Limit, amount, limitClause, limitsDocument } from '../../../src/contract/index.js';

const all = Object.values(LIMITS).flatMap(({ limits }) => Object.values(limits) as Limit[]);

test('docs/limits.md says what the code enforces', async () => {
  await expect(limitsDocument()).toMatchFileSnapshot(resolve('docs/limits.md'));
});

test('every limit says why it is there, in a clause', () => {
  for (const { why, of } of all) {
    expect(why).toMatch(/^[a-z0-9].*[^.]$/);
    expect(of).not.toBe('');
    expect(`${of}${why}`).not.toContain('|');
  }
});

test('numbers are for people', () => {
  expect(amount(LIMITS.files.limits.uploadBytes)).toBe('64 MiB');
  expect(amount(LIMITS.model.limits.fileBytes)).toBe('1 GiB');
  expect(amount(LIMITS.graph.limits.runMs)).toBe('10 minutes');
  expect(amount(LIMITS.remote.limits.firstRestMs)).toBe('250 ms');
  expect(limitClause(LIMITS.model.limits.depths)).toBe('the limit is 128 (the deepest tokenizer of the paper has 72)');
});
