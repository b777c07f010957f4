import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toWav } from '../../../src/contract/index.js';
import { readFlac } from '../../../src/studio/audio/flac.js';
import { resample } from '../../../src/studio/audio/resample.js';
import { readSound } from '../../../src/studio/audio/sound.js';
import { readWav } from '../../../src/studio/audio/wav.js';

/** A quarter of a second: 440 Hz at half of full scale, and in files of two channels 880 Hz at a quarter in the other. */
const file = (name: string): Uint8Array => new Uint8Array(readFileSync(`test/fixtures/sounds/${name}`));
const SHAPE = { sampleRate: 16_000, samplesPerPosition: 8, L: 1000 };
const tone = (rate: number, hertz: number, size: number): Float32Array =>
  Float32Array.from({ length: rate / 4 }, (_, n) => size * Math.sin((2 * Math.PI * hertz * n) / rate));

/** Size of the part of a sound that is a tone of so many hertz, whatever its phase. */
function sizeAt(samples: Float32Array, hertz: number, rate: number): number {
  let [re, im] = [0, 0];
  samples.forEach((sample, n) => {
    re += sample * Math.cos((2 * Math.PI * hertz * n) / rate);
    im += sample * Math.sin((2 * Math.PI * hertz * n) / rate);
  });
  return (2 * Math.hypot(re, im)) / samples.length;
}

describe('a sound file', () => {
  it.each(['tone.flac', 'tone.mp3', 'tone-vorbis.ogg', 'tone-opus.ogg'])('%s is decoded, mixed and resampled', async (name) => {
    const samples = await readSound(name, file(name), SHAPE);
    expect(samples.length % 8).toBe(0);
    // MP3 has silence around the sound.
    const middle = samples.subarray(1000, 3000);
    expect(sizeAt(middle, 440, 16_000)).toBeCloseTo(0.25, 1);
    expect(sizeAt(middle, 880, 16_000)).toBeCloseTo(0.125, 1);
    expect(sizeAt(middle, 1760, 16_000)).toBeLessThan(0.02);
    expect(samples.length / 16_000).toBeGreaterThan(0.249);
    expect(samples.length / 16_000).toBeLessThan(0.33);
  });

  it('in FLAC has every sample as it was, of 16 and of 24 bits', async () => {
    for (const [name, rate, bits] of [
      ['tone.flac', 44_100, 16],
      ['tone24.flac', 48_000, 24],
    ] as const) {
      const { sampleRate, channels } = await readFlac(file(name), 10);
      expect(sampleRate).toBe(rate);
      channels.forEach((samples, c) => {
        const wanted = tone(rate, c === 0 ? 440 : 880, c === 0 ? 0.5 : 0.25);
        expect(samples).toHaveLength(wanted.length);
        expect(Math.max(...samples.map((sample, n) => Math.abs(sample - (wanted[n] ?? 0))))).toBeLessThan(2 ** -(bits - 2) + 1e-7);
      });
    }
  });

  it.each([
    [8, 1, (v: number) => [Math.round(v * 127) + 128]],
    [16, 1, (v: number) => [...new Uint8Array(Int16Array.of(v * 32_767).buffer)]],
    [24, 1, (v: number) => [...new Uint8Array(Int32Array.of(v * 8_388_607).buffer)].slice(0, 3)],
    [32, 1, (v: number) => [...new Uint8Array(Int32Array.of(v * 2_147_483_647).buffer)]],
    [32, 3, (v: number) => [...new Uint8Array(Float32Array.of(v).buffer)]],
    [64, 3, (v: number) => [...new Uint8Array(Float64Array.of(v).buffer)]],
  ])('in WAV of %i bits, format %i, is read', async (bits, format, encode) => {
    const values = [0, 0.5, -0.5, 0.99, -0.99, 0.25];
    const { channels } = await readWav(wav(values.flatMap(encode), { bits, format, channels: 2 }), 10);
    expect(channels).toHaveLength(2);
    const read = values.map((_, n) => channels[n % 2]?.[Math.floor(n / 2)] ?? Number.NaN);
    read.forEach((value, n) => expect(value).toBeCloseTo(values[n] ?? 0, bits === 8 ? 1 : 3));
  });

  it('comes back from the WAV that it was saved as', async () => {
    const samples = tone(16_000, 440, 0.9);
    const back = await readSound('a.wav', toWav(samples, 16_000), SHAPE);
    expect(back).toHaveLength(samples.length);
    expect(Math.max(...back.map((sample, n) => Math.abs(sample - (samples[n] ?? 0))))).toBeLessThan(2 ** -14);
  });

  const whole = toWav(tone(16_000, 440, 0.5), 16_000);
  const cases: [what: string, name: string, bytes: Uint8Array, sentence: RegExp][] = [
    ['a picture', 'a.png', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 1, 2, 3), /^“a\.png” is not a sound that can be read\. Choose a WAV/],
    ['nothing at all', 'a.wav', new Uint8Array(), /is not a sound that can be read/],
    ['a WAV without samples', 'a.wav', toWav(new Float32Array(), 16_000), /has no sound in it/],
    ['half a WAV', 'a.wav', whole.subarray(0, 3000), /is cut off before its end\. Choose the whole file/],
    ['half a FLAC', 'a.flac', file('tone.flac').subarray(0, 5000), /is cut off before its end/],
    ['half an MP3', 'a.mp3', file('tone.mp3').subarray(0, 2000), /is cut off before its end/],
    ['half an Ogg Vorbis file', 'a.ogg', file('tone-vorbis.ogg').subarray(0, 4600), /is cut off before its end/],
    ['half an Ogg Opus file', 'a.opus', file('tone-opus.ogg').subarray(0, 3000), /is cut off before its end/],
    ['a FLAC with one byte changed', 'a.flac', file('tone.flac').map((b, n) => (n === 5000 ? b ^ 1 : b)), /is damaged/],
    [
      'nine channels',
      'a.wav',
      wav(Array<number>(18).fill(1), { bits: 16, format: 1, channels: 9 }),
      /has 9 channels\. Choose a sound of 1 to 8/,
    ],
    ['a compressed WAV', 'a.wav', wav([1, 2, 3, 4], { bits: 4, format: 2, channels: 1 }), /is a WAV of a kind that can’t be read/],
  ];
  it.each(cases)('that is %s is refused with a sentence', async (_what, name, bytes, sentence) => {
    await expect(readSound(name, bytes, SHAPE)).rejects.toMatchObject({
      code: 'bad-file',
      message: expect.stringMatching(sentence) as string,
    });
  });

  it.each(['tone.flac', 'tone.mp3', 'tone-vorbis.ogg', 'tone-opus.ogg'])('%s is refused where the model takes less', async (name) => {
    await expect(readSound(name, file(name), { ...SHAPE, L: 200 })).rejects.toThrow(
      `“${name}” is longer than the 0.1 seconds that the model takes. Choose a shorter one.`,
    );
  });

  it('with anything changed is read or refused with a sentence', { timeout: 60_000 }, async () => {
    for (const name of ['tone.flac', 'tone.mp3', 'tone-vorbis.ogg', 'tone-opus.ogg', 'tone.wav']) {
      const bytes = name === 'tone.wav' ? whole : file(name);
      const changes = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
      await fc.assert(
        fc.asyncProperty(changes, fc.option(fc.nat(bytes.length), { nil: bytes.length, freq: 1 }), async (changed, end) => {
          const broken = bytes.slice(0, end);
          for (const [place, value] of changed) broken[place] = value;
          try {
            expect((await readSound(name, broken, SHAPE)).length).toBeGreaterThan(0);
          } catch (error) {
            expect(error).toMatchObject({ code: 'bad-file', message: expect.stringContaining('Choose') as string });
          }
        }),
        { numRuns: 20 },
      );
    }
  });
});

describe('resampling', () => {
  it.each([
    [44_100, 16_000],
    [48_000, 24_000],
    [8000, 24_000],
  ])('from %i to %i keeps a tone and its size', (from, to) => {
    const out = resample(tone(from, 440, 0.5), from, to);
    expect(out).toHaveLength(Math.ceil(to / 4));
    expect(sizeAt(out.subarray(200, -200), 440, to)).toBeCloseTo(0.5, 2);
  });

  it('leaves out what the lower rate can’t hold', () => {
    const out = resample(tone(48_000, 11_000, 0.5), 48_000, 16_000);
    expect(Math.max(...out.subarray(200, -200).map(Math.abs))).toBeLessThan(0.001);
  });
});

/** @param data the bytes of the samples, channels in turn */
function wav(data: readonly number[], { bits, format, channels }: { bits: number; format: number; channels: number }): Uint8Array {
  const bytes = Buffer.from([...toWav(new Float32Array(), 16_000), ...data]);
  bytes.writeUInt16LE(format, 20);
  bytes.writeUInt16LE(channels, 22);
  bytes.writeUInt16LE(bits, 34);
  bytes.writeUInt32LE(data.length, 40);
  return new Uint8Array(bytes);
}
