import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it, onTestFinished, vi } from 'vitest';
import { main } from '../../../src/cli/program.js';
import { setEnvironment } from '../studio/support.js';
import { CASES } from './mutations.js';

const WORDS = [
  'image',
  'decode',
  'models',
  'verify',
  'card',
  'library',
  'restore',
  '--class',
  '--count',
  '--seed',
  '--steps',
  '--set',
  '--batch',
  '--out',
  '--depth',
  '--json',
  '--model',
  '--preset',
  'best',
  '-1',
  '1e9',
  '99999999999999999999',
  'NaN',
  '../../x',
  '/dev/null',
  '/nowhere/at/all',
  '__proto__=1',
  'steps=0',
  'tau',
  '=',
  '--',
  '-',
  '💥',
];

it('whatever is typed ends with an exit code and words for people, never with a stack', async () => {
  const data = mkdtempSync(join(tmpdir(), 'resgen-arguments-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  setEnvironment('RESGEN_DATA', join(data, 'studio'));
  setEnvironment('RESGEN_MODELS', join(data, 'models'));
  let said = '';
  const take = (text: string | Uint8Array): boolean => {
    said += String(text);
    return true;
  };
  const spies = [vi.spyOn(process.stdout, 'write').mockImplementation(take), vi.spyOn(process.stderr, 'write').mockImplementation(take)];
  onTestFinished(() => spies.forEach((spy) => spy.mockRestore()));
  const argument = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...WORDS) }, { weight: 1, arbitrary: fc.string({ maxLength: 12 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(argument, { maxLength: 7 }), async (argv) => {
      said = '';
      const code = await main(['node', 'resgen', ...argv], join(data, 'out', 'main'));
      expect([0, 1, 2]).toContain(code);
      expect(said).not.toMatch(/\n\s+at .*:\d+/);
      if (code !== 0) expect(said.trim()).not.toBe('');
    }),
    { numRuns: CASES.arguments },
  );
}, 120_000);
