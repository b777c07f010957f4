import { expect, test } from 'vitest';
import { closingQuestion } from '../../../src/main/closing.js';

test('closing asks only where something would be interrupted, and says what becomes of it', () => {
  expect(closingQuestion({ jobs: 0, edits: 0 })).toBeNull();
  const { detail } = closingQuestion({ jobs: 2, edits: 0 }) ?? {};
  expect(detail).toBe('Everything finished so far is kept, and the rest goes on when you open the studio again.');
  expect(closingQuestion({ jobs: 0, edits: 1 })?.detail).toBe(
    'Everything finished so far is kept. The edit in the inspector would have to be made again.',
  );
  expect(closingQuestion({ jobs: 1, edits: 2 })?.detail).toMatch(/goes on when you open .* The edits in the inspector would/);
});
