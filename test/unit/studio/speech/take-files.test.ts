import { readFileSync, rmSync, statSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Recipe, fromWav } from '../../../../src/contract/index.js';
import { readMarks } from '../../../../src/studio/sound-marks.js';
import { findSpeech, layOut, mixIn } from '../../../../src/studio/speech/joins.js';
import { type LaidOutTake, TakeFiles } from '../../../../src/studio/speech/take-files.js';
import { temporaryFolder } from '../support.js';
import { RECIPE, tone } from './studio.js';

const RATE = 8000;

/** A take of tones, each so loud, and after it so many seconds of silence; `mixed` hears of each tone that is mixed. */
function takeOf(tones: readonly [size: number, gap: number][], mixed: (item: string) => void = () => undefined, trail = 0): LaidOutTake {
  const sounds = tones.map(([size]) => ({ samples: tone(0.4, size, 0.1, RATE), sampleRate: RATE }));
  const parts = tones.map(([, gap], n) => ({ speech: findSpeech(sounds[n] ?? { samples: new Float32Array(0), sampleRate: RATE }), gap }));
  const last = parts.at(-1);
  if (last && trail > 0) Object.assign(last, { gap: trail, isLast: true });
  const { places, length } = layOut(parts, RATE);
  return {
    sampleRate: RATE,
    length,
    parts: tones.map(([size], n) => ({
      item: `tone ${size}`,
      start: places[n]?.start ?? 0,
      mix: (stretch, origin) => {
        mixed(`tone ${size}`);
        const [sound, part] = [sounds[n], parts[n]];
        const { start, rest } = places[n] ?? { start: 0, rest: 0 };
        if (sound && part) mixIn(stretch, sound, part.speech, { start: start - origin, rest }, 1);
        return Promise.resolve();
      },
    })),
  };
}

const ALL: [number, number][] = [
  [0.1, 0.35],
  [0.2, 0],
  [0.3, 0],
  [0.4, 0],
];

it('a take that grows is appended to, sounds as if it had been written at once, and is marked all the time', async () => {
  const [growing, once] = [new TakeFiles(temporaryFolder()), new TakeFiles(temporaryFolder())];
  const mixed: string[] = [];
  let inode = 0;
  for (let n = 1; n <= ALL.length; n++) {
    const trail = n === ALL.length ? 0.5 : 0;
    const take = takeOf(ALL.slice(0, n), (item) => mixed.push(item), trail);
    const file = await growing.file('take.wav', take, RECIPE);
    inode ||= statSync(file).ino;
    expect(statSync(file).ino).toBe(inode);
    const bytes = readFileSync(file);
    const whole = readFileSync(await once.file(`${n}.wav`, takeOf(ALL.slice(0, n), undefined, trail), RECIPE));
    expect(bytes.equals(whole)).toBe(true);
    expect(fromWav(bytes).samples).toHaveLength(take.length);
    const { synthetic, own } = readMarks(bytes);
    expect(synthetic).toBe(true);
    expect(Recipe.parse(JSON.parse(own ?? ''))).toEqual(RECIPE);
    // Asked again with nothing new.
    await growing.file(
      'take.wav',
      takeOf(ALL.slice(0, n), (item) => mixed.push(item), trail),
      RECIPE,
    );
  }
  expect(mixed).toEqual(['tone 0.1', 'tone 0.2', 'tone 0.3', 'tone 0.4']);
});

it('a take with another sentence in it, with another recipe or without its file is written anew', async () => {
  const files = new TakeFiles(temporaryFolder());
  const other: [number, number][] = [[0.5, 0.35], ...ALL.slice(1)];
  const bytes = async (tones: [number, number][], recipe: Recipe | null): Promise<Buffer> =>
    readFileSync(await files.file('take.wav', takeOf(tones), recipe));
  const first = await bytes(ALL, RECIPE);
  expect(fromWav(await bytes(other, RECIPE)).samples).not.toEqual(fromWav(first).samples);
  expect(await bytes(ALL, RECIPE)).toEqual(first);
  expect(readMarks(await bytes(ALL, null))).toEqual({ synthetic: true, own: undefined });
  expect(fromWav(await bytes(ALL.slice(0, 2), null)).samples.length).toBeLessThan(fromWav(first).samples.length);
  rmSync(await files.file('take.wav', takeOf(ALL), RECIPE));
  expect(await bytes(ALL, RECIPE)).toEqual(first);
});

it('two that ask at once get the same file', async () => {
  const files = new TakeFiles(temporaryFolder());
  await files.file('take.wav', takeOf(ALL.slice(0, 1)), RECIPE);
  const [a, b] = await Promise.all([files.file('take.wav', takeOf(ALL), RECIPE), files.file('take.wav', takeOf(ALL), RECIPE)]);
  expect(a).toBe(b);
  expect(fromWav(readFileSync(a)).samples).toHaveLength(takeOf(ALL).length);
});
