import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Region, VOICE_RATE } from '../../../../src/contract/index.js';
import { checkClip, cut, suggestRegion } from '../../../../src/studio/voices/check.js';
import { readClip } from '../../../../src/studio/voices/clip.js';
import { frameLevels } from '../../../../src/studio/voices/levels.js';
import { pitchTrack } from '../../../../src/studio/voices/pitch.js';
import { added, floatWav, joined, melody, speech, wavFile, whiteNoise } from './signals.js';

async function findings(samples: Float32Array, region: Region | null = null): Promise<{ kind: string; blocks: boolean; text: string }[]> {
  const { name, bytes } = wavFile(samples);
  return checkClip(await readClip(name, bytes), region);
}

const kinds = async (samples: Float32Array, region: Region | null = null): Promise<string[]> =>
  (await findings(samples, region)).map(({ kind }) => kind);

describe('the check of a clip', () => {
  it.each([100, 140, 210])('finds nothing wrong with speech at %i Hz', async (hertz) => {
    expect(await kinds(speech({ seconds: 10, hertz }))).toEqual([]);
  });

  const clear = speech({ seconds: 10 });
  const cases: [what: string, samples: Float32Array, kind: string, sentence: RegExp][] = [
    ['of 0.2 s', speech({ seconds: 0.2 }), 'short', /^The clip is 0\.2 s long, and a voice takes at least 3\. Record or choose more/],
    ['of 2.9 s', speech({ seconds: 2.9 }), 'short', /^The clip is 2\.9 s long/],
    ['of 31 s', speech({ seconds: 31 }), 'long', /^The clip is 31\.0 s long, and a voice takes at most 30\. Trim it/],
    ['without a sound', new Float32Array(10 * VOICE_RATE), 'silent', /^The clip is silent\. Check that the right microphone/],
    ['with the hiss of an open input', whiteNoise(10, 0.001), 'silent', /^The clip is silent/],
    ['that is quiet', speech({ seconds: 10, size: 0.02 }), 'quiet', /^The voice is very quiet\. Go nearer/],
    [
      'that is too loud',
      clear.map((s) => Math.max(-1, Math.min(1, 4 * s))),
      'clipped',
      /^The sound is too loud and cut off at the top, \d+ times/,
    ],
    [
      'that was too loud and was turned down',
      clear.map((s) => 0.4 * Math.max(-1, Math.min(1, 4 * s))),
      'clipped',
      /^The sound is too loud and cut off at the top/,
    ],
    [
      'with noise 10 dB below the voice',
      added(clear, whiteNoise(10, 0.08)),
      'noisy',
      /^There may be noise behind the voice, \d+ dB below it/,
    ],
    [
      'with two words in ten seconds',
      joined(speech({ seconds: 1.4 }), new Float32Array(8 * VOICE_RATE)),
      'pauses',
      /^Only 1\.\d s of the clip/,
    ],
    ['of a melody', melody(10), 'music', /^There may be music in the clip/],
    [
      'with a melody 15 dB below the voice',
      added(
        clear,
        melody(10).map((s) => 0.3 * s),
      ),
      'music',
      /^There may be music under the voice\. Record in a quiet room/,
    ],
    ['of noise', whiteNoise(10, 0.1), 'no-speech', /^There may be no speech in the clip/],
    [
      'of two people',
      joined(speech({ seconds: 6, hertz: 105 }), speech({ seconds: 6, hertz: 220 })),
      'speakers',
      /^More than one person may be speaking/,
    ],
  ];
  it.each(cases)('%s is said in a sentence', async (_what, samples, kind, sentence) => {
    const found = await findings(samples);
    expect(found.map((finding) => finding.kind)).toEqual([kind]);
    expect(found[0]?.text).toMatch(sentence);
    expect(found[0]?.text).toMatch(/^[^.]+(?:\.\d[^.]*)?\. [^.]+\.$/);
    expect(found[0]?.blocks).toBe(['short', 'long', 'silent'].includes(kind));
  });

  it('looks at the chosen part alone', async () => {
    const loudEnd = joined(
      clear,
      clear.map((s) => Math.max(-1, Math.min(1, 4 * s))),
    );
    expect(await kinds(loudEnd)).toEqual(['clipped']);
    expect(await kinds(loudEnd, { from: 0.5, until: 9.5 })).toEqual([]);
    expect(await kinds(speech({ seconds: 75 }), { from: 30, until: 60 })).toEqual([]);
  });

  it('says what is wrong with the file: rate, channels, samples that are no numbers', async () => {
    const narrow = await readClip('a.wav', floatWav([speech({ seconds: 8 }, 8000)], 8000));
    expect(checkClip(narrow, null)).toMatchObject([
      { kind: 'narrow', text: expect.stringMatching(/^The file has 8,000 samples/) as string },
    ]);
    const eight = Array.from({ length: 8 }, () => speech({ seconds: 5 }, 48_000));
    const surround = await readClip('a.wav', floatWav(eight, 48_000));
    expect(checkClip(surround, null)).toMatchObject([{ kind: 'channels', text: expect.stringContaining('8 channels') as string }]);
    const damaged = clear.slice();
    damaged[40_000] = Number.NaN;
    damaged[40_001] = Number.POSITIVE_INFINITY;
    const broken = await readClip('a.wav', floatWav([damaged], VOICE_RATE));
    expect(checkClip(broken, null)).toMatchObject([
      { kind: 'broken', blocks: true, text: expect.stringMatching(/^The clip has 2 samples that are no numbers/) as string },
    ]);
    // What is outside of the damage can still be used.
    expect(checkClip(broken, { from: 3, until: 9 })).toEqual([]);
    expect(broken.samples.every(Number.isFinite)).toBe(true);
  });

  it('does not take a loud wave for one that is cut off', async () => {
    expect(await kinds(speech({ seconds: 10, size: 0.75 }))).toEqual([]);
  });

  it('takes 24 bits as they are', async () => {
    const clip = await readClip('a.flac', new Uint8Array(readFileSync('test/fixtures/sounds/tone24.flac')));
    expect(clip).toMatchObject({ sampleRate: 48_000, channels: 1, clipped: [], broken: [] });
    expect(checkClip(clip, null).map(({ kind }) => kind)).toEqual(['short']);
  });
});

describe('a file that can be no clip', () => {
  const text = new TextEncoder().encode('These are words. '.repeat(100));
  const m4a = new Uint8Array(Buffer.from('\0\0\0\u0020ftypM4A \0\0\0\0M4A mp42isom', 'latin1'));
  it.each([
    ['text.wav', text, /^“text\.wav” is not a sound that can be read\. Choose a WAV, FLAC, MP3/],
    ['memo.m4a', m4a, /^“memo\.m4a” is an M4A or MP4 file, whose sound \(AAC\) can’t be read here\. Open it in the studio’s window/],
    ['talk.wav', wavOf(181), /^“talk\.wav” is longer than 3 minutes\. Cut out the part with the clearest speech, then choose that\.$/],
  ] as const)('%s is refused with a sentence', async (name, bytes, sentence) => {
    await expect(readClip(name, bytes)).rejects.toMatchObject({ code: 'bad-file', message: expect.stringMatching(sentence) as string });
  });

  it('of two hours is refused before it is decoded', async () => {
    const started = performance.now();
    await expect(readClip('long.wav', wavOf(7200))).rejects.toThrow(/is longer than 3 minutes/);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  /** As many seconds at the lowest rate there is. */
  function wavOf(seconds: number): Uint8Array {
    return floatWav([new Float32Array(seconds * 1000)], 1000);
  }
});

describe('the part that is suggested', () => {
  it('goes from the first word to the last', async () => {
    const { name, bytes } = wavFile(joined(new Float32Array(2 * VOICE_RATE), speech({ seconds: 6 }), new Float32Array(3 * VOICE_RATE)));
    const clip = await readClip(name, bytes);
    const { from, until } = suggestRegion(clip);
    expect(from).toBeGreaterThan(1.7);
    expect(from).toBeLessThan(2.1);
    expect(until).toBeGreaterThan(7.5);
    expect(until).toBeLessThan(8.3);
    expect(cut(clip, { from, until })).toHaveLength(Math.round(until * VOICE_RATE) - Math.round(from * VOICE_RATE));
  });

  it('is as long as a voice may be, and there also where nothing is to be heard', async () => {
    for (const samples of [speech({ seconds: 80 }), new Float32Array(80 * VOICE_RATE)]) {
      const { name, bytes } = wavFile(samples);
      const { from, until } = suggestRegion(await readClip(name, bytes));
      expect(until - from).toBeCloseTo(30, 1);
    }
  });
});

describe('measurements', () => {
  it('levels are those of the wave', () => {
    const sine = Float32Array.from({ length: VOICE_RATE }, (_, n) => 0.1 * Math.sin((2 * Math.PI * 100 * n) / VOICE_RATE));
    for (const level of frameLevels(sine)) expect(level).toBeCloseTo(-23.01, 1);
    expect(frameLevels(new Float32Array(320))).toEqual([-100]);
  });

  it('pitch is the first harmonic’s, even where it is missing', () => {
    for (const hertz of [80, 123.4, 200, 330]) {
      const rich = Float32Array.from({ length: VOICE_RATE / 2 }, (_, n) =>
        [2, 3, 4, 5].reduce((sum, k) => sum + 0.1 * Math.sin((2 * Math.PI * k * hertz * n) / VOICE_RATE + k), 0),
      );
      for (const found of pitchTrack(rich)) expect(Math.abs(found / hertz - 1)).toBeLessThan(0.01);
    }
    expect([...pitchTrack(whiteNoise(1, 0.2))].filter((found) => found > 0).length).toBeLessThan(3);
    expect([...pitchTrack(new Float32Array(VOICE_RATE))].every((found) => found === 0)).toBe(true);
  });
});
