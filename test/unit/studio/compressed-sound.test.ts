import { describe, expect, it } from 'vitest';
import { fromWav, toWav } from '../../../src/contract/index.js';
import { compressed, compressedFormat, readTags } from '../../../src/studio/compressed-sound.js';
import { decodeSound } from '../../../src/studio/audio/sound.js';
import { RECIPE as recipe, tone } from './speech/studio.js';

const sound = { samples: tone(2.3, 0.5, 0, 16_000), sampleRate: 16_000 };

describe('a sound as FLAC', () => {
  it('has every sample of the WAV, and its marks', async () => {
    const bytes = await compressed(sound, 'flac', recipe);
    expect(compressedFormat(bytes)).toBe('flac');
    expect(bytes.length).toBeLessThan(0.8 * toWav(sound.samples, sound.sampleRate).length);
    const { channels, sampleRate } = await decodeSound('a sound', bytes, 60, 'is long');
    const exact = fromWav(toWav(sound.samples, sound.sampleRate)).samples;
    expect(sampleRate).toBe(16_000);
    // One divides by 32,767, the other by 32,768.
    expect(Array.from(channels[0] ?? [], (x) => Math.round(x * 32_768))).toEqual(Array.from(exact, (x) => Math.round(x * 32_767)));
    const { synthetic, own } = readTags(bytes);
    expect([synthetic, JSON.parse(own ?? '')]).toEqual([true, recipe]);
  });
});

describe('a sound as MP3', () => {
  it('is a tenth of the WAV or little more, lasts as long, and has its marks', async () => {
    const bytes = await compressed(sound, 'mp3', recipe);
    expect(compressedFormat(bytes)).toBe('mp3');
    const { channels, sampleRate } = await decodeSound('a sound', bytes, 60, 'is long');
    expect(Math.abs((channels[0]?.length ?? 0) / sampleRate - 2.3)).toBeLessThan(0.15);
    const { synthetic, own } = readTags(bytes);
    expect([synthetic, JSON.parse(own ?? '')]).toEqual([true, recipe]);
  });

  it('that ends in the head of a comment has no marks', () => {
    const head = [0x49, 0x44, 0x33, 4, 0, 0, 0, 0, 3, 25];
    const comment = [...new TextEncoder().encode('COMM'), 0, 0, 0, 86, 0, 0, 0];
    expect(readTags(Uint8Array.from([...head, ...comment]))).toEqual({ synthetic: false, own: undefined });
  });

  it('is refused at a rate that MP3 has not', async () => {
    await expect(compressed({ ...sound, sampleRate: 16_001 }, 'mp3', null)).rejects.toThrow('Save this one as FLAC or WAV.');
  });
});

it.each(['flac', 'mp3'] as const)(
  '%s without a recipe says that it is synthetic; damaged, it says nothing and does no harm',
  async (format) => {
    const plain = await compressed(sound, format, null);
    expect(readTags(plain)).toEqual({ synthetic: true, own: undefined });
    const whole = await compressed(sound, format, recipe);
    for (let length = 4; length < 800; length += 13) expect(() => readTags(whole.slice(0, length))).not.toThrow();
    for (let place = 4; place < 800; place += 1) {
      const damaged = whole.slice();
      damaged.fill(0xff, place, place + 3);
      expect(() => readTags(damaged)).not.toThrow();
    }
  },
);
