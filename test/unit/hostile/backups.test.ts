import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { StudioError } from '../../../src/contract/index.js';
import { stageRestore } from '../../../src/studio/index.js';
import { openStudio, request, temporaryFolder } from '../studio/support.js';
import { CASES, damaged } from './mutations.js';

it('a backup is taken or refused with a sentence, wherever it is damaged, and writes nowhere but in its own place', async () => {
  const { studio, ask, ended } = openStudio();
  const job = await ask('jobs.create', request({ count: 2 }));
  await ended(job.id);
  const folder = temporaryFolder();
  const file = join(folder, 'backup.tar');
  await studio.backUp(file);
  const around = temporaryFolder();
  const data = join(around, 'data');

  await fc.assert(
    fc.asyncProperty(damaged(readFileSync(file)), async (broken) => {
      mkdirSync(data, { recursive: true });
      writeFileSync(file, broken);
      const staged = await stageRestore(file, data, '0.1.0').then(
        () => true,
        (error: unknown) => {
          expect(error).toBeInstanceOf(StudioError);
          expect(error).toMatchObject({ code: 'bad-file', message: expect.stringMatching(/^\S.*\.$/s) as string });
          return false;
        },
      );
      expect(readdirSync(around)).toEqual(['data']);
      expect(readdirSync(data).filter((name) => name !== 'restored')).toEqual([]);
      if (!staged) return;
      expect(readdirSync(join(data, 'restored')).every((name) => ['studio.db', 'items', 'voices'].includes(name))).toBe(true);
    }),
    { numRuns: CASES.backup },
  );
}, 240_000);
