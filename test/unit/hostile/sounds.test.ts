import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { StudioError, toWav } from '../../../src/contract/index.js';
import { readSound } from '../../../src/studio/audio/sound.js';
import { CASES, damaged } from './mutations.js';

const FOLDER = resolve('test', 'fixtures', 'sounds');
/** A second of sound at most: what claims to be hours must be refused long before it is unpacked. */
const SHAPE = { sampleRate: 16_000, samplesPerPosition: 320, L: 100 };
const files: [string, Uint8Array][] = readdirSync(FOLDER)
  .filter((name) => !name.endsWith('.md'))
  .map((name) => [name, readFileSync(join(FOLDER, name))]);
files.push([
  'tone.wav',
  toWav(
    Float32Array.from({ length: 4000 }, (_, n) => Math.sin(n / 5)),
    16_000,
  ),
]);

it.each(files)(
  'a sound is taken or refused with a sentence, wherever %s is damaged',
  async (name, bytes) => {
    await fc.assert(
      fc.asyncProperty(damaged(bytes), async (broken) => {
        try {
          const samples = await readSound(name, broken, SHAPE);
          expect(samples.length % SHAPE.samplesPerPosition).toBe(0);
          expect(samples.length).toBeLessThanOrEqual(SHAPE.L * SHAPE.samplesPerPosition);
          expect(samples.every(Number.isFinite)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(StudioError);
          expect(error).toMatchObject({ code: 'bad-file', message: expect.stringMatching(/^“.*\.$/s) as string });
        }
      }),
      { numRuns: CASES.sound },
    );
  },
  240_000,
);
