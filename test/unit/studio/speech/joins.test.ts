import { describe, expect, it } from 'vitest';
import { type Part, findSpeech, gainTo, layOut, mixIn } from '../../../../src/studio/speech/joins.js';
import { tone } from './studio.js';

const RATE = 8000;
const sound = (seconds: number, size: number, silence: number) => ({ samples: tone(seconds, size, silence, RATE), sampleRate: RATE });
/** The same, with so many seconds of silence written at the end. */
const endingIn = (parts: readonly Part[], gap: number): Part[] =>
  parts.map((part, n) => (n === parts.length - 1 ? { ...part, gap, isLast: true } : part));
const nowhere = { start: 0, rest: 0 };
const rms = (samples: Float32Array): number => Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);

describe('the speech of a sound', () => {
  it('is what lies between its silences, with a margin', () => {
    const { from, until, rest, level, peak } = findSpeech(sound(1, 0.5, 0.6));
    expect(from / RATE).toBeCloseTo(0.56, 2);
    expect(until / RATE).toBeCloseTo(1.64, 2);
    expect(rest / RATE).toBeCloseTo(0.56, 2);
    expect(level).toBeCloseTo(0.5 / Math.SQRT2, 2);
    expect(peak).toBeCloseTo(0.5, 2);
  });

  it('of silence is nothing, and is made no louder', () => {
    const nothing = findSpeech({ samples: new Float32Array(RATE), sampleRate: RATE });
    expect(nothing).toEqual({ from: 0, until: 0, rest: 0, level: 0, peak: 0 });
    expect(gainTo(-23, nothing)).toBe(1);
  });

  it('comes to one level, whatever it had, and is not cut off', () => {
    for (const size of [0.02, 0.2, 0.9]) {
      const speech = findSpeech(sound(1, size, 0.1));
      expect(20 * Math.log10(speech.level * gainTo(-23, speech))).toBeCloseTo(-23, 5);
    }
    const loud = findSpeech(sound(1, 0.5, 0.1));
    expect(loud.peak * gainTo(0, loud)).toBeLessThanOrEqual(0.98);
  });
});

describe('sentences in a row', () => {
  it('stand apart by their gaps, at equal loudness, without their own silence', () => {
    const sounds = [sound(1, 0.1, 0.5), sound(0.5, 0.8, 0.3)];
    const parts = sounds.map((one, i) => ({ sound: one, speech: findSpeech(one), gap: i === 0 ? 0.35 : 0 }));
    const { places, length } = layOut(parts, RATE, 0.25);
    expect(places[0]?.start).toBe(0.25 * RATE);
    expect((places[1]?.start ?? 0) / RATE).toBeCloseTo(0.25 + 1.08 + 0.35, 2);
    expect(length / RATE).toBeCloseTo(0.25 + 1.08 + 0.35 + 0.58, 2);
    expect(layOut(endingIn(parts, 1), RATE, 0.25).length).toBe(length + RATE);
    const whole = new Float32Array(length);
    parts.forEach(({ sound: one, speech }, i) => mixIn(whole, one, speech, places[i] ?? nowhere, gainTo(-23, speech)));
    const heard = (from: number, until: number): Float32Array => whole.subarray(from * RATE, until * RATE);
    expect(rms(heard(0, 0.25))).toBe(0);
    expect(rms(heard(1.4, 1.6))).toBe(0);
    expect(rms(heard(0.5, 1))).toBeCloseTo(rms(heard(1.8, 2.1)), 2);
  });

  it('have their own silence in the gap behind them, as far as it goes, and at the end of the text', () => {
    // 0.56 s of the room behind the speech, of which the gap takes 0.35 and the end 0.3.
    const one = sound(1, 0.1, 0.6);
    const room = 0.001;
    one.samples.forEach((x, n) => (one.samples[n] = x + room * Math.sin(n)));
    const speech = findSpeech(one);
    const parts = [
      { speech, gap: 0.35 },
      { speech, gap: 1 },
      { speech, gap: 0, isLast: true },
    ];
    const { places, length } = layOut(parts, RATE);
    expect(places.map(({ rest }) => rest / RATE)).toEqual([0.35, speech.rest / RATE, 0.3]);
    const whole = new Float32Array(length);
    for (const place of places) mixIn(whole, one, speech, place, 1);
    const seconds = (speech.until - speech.from) / RATE;
    const heard = (from: number, until: number): number => rms(whole.subarray(Math.round(from * RATE), Math.round(until * RATE)));
    expect(heard(seconds + 0.02, seconds + 0.33)).toBeCloseTo(room / Math.SQRT2, 5);
    expect(heard(2 * seconds + 0.35 + 0.6, 2 * seconds + 0.35 + 0.9)).toBe(0);
    expect(length / RATE).toBeCloseTo(3 * seconds + 0.35 + 1 + 0.3, 3);
    expect(heard(length / RATE - 0.28, length / RATE - 0.02)).toBeCloseTo(room / Math.SQRT2, 5);
    // A longer silence that was written counts from the last word.
    expect(layOut(endingIn(parts, 2), RATE).length - length).toBe(Math.round(1.7 * RATE));
  });

  it('without a gap run into each other without a click', () => {
    const one = sound(0.5, 0.5, 0);
    const speech = findSpeech(one);
    const { places, length } = layOut(
      [
        { speech, gap: 0 },
        { speech, gap: 0 },
      ],
      RATE,
    );
    expect(places).toEqual([
      { start: 0, rest: 0 },
      { start: 3920, rest: 0 },
    ]);
    const whole = new Float32Array(length);
    for (const place of places) mixIn(whole, one, speech, place, 1);
    const steepest = (samples: Float32Array): number =>
      samples.reduce((most, x, n) => Math.max(most, Math.abs(x - (samples[n - 1] ?? 0))), 0);
    // The tone itself changes by no more than 0.5 * 2 pi 200 / 8000 a sample.
    expect(steepest(whole)).toBeLessThan(0.1);
    expect(Math.abs(whole[0] ?? 1)).toBeLessThan(0.01);
    expect(Math.abs(whole.at(-1) ?? 1)).toBeLessThan(0.01);
  });
});
