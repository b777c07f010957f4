import type { Sound } from '../../contract/index.js';

/** Seconds of a frame, and how far below the loudest one speech goes: as `active_level` of training/speech_data.py has it. */
const FRAME = 0.02;
const RANGE_DB = 35;
/** Kept before the first and after the last frame with speech: consonants begin and end softer than that. */
const MARGIN = 0.04;
const FADE = 0.01;
/** Of its own silence that a text keeps behind its last word, in seconds: cut off right there it sounds broken off. */
const CLOSING = 0.3;
/** Seconds that a sentence may begin before the one in front of it has ended. */
export const LONGEST_OVERLAP = FADE;
/** No louder than this, so that nothing is cut off. */
const PEAK = 0.98;

/** Where the speech of a sound is and how loud, in samples and as a root mean square. Zero long where there is none. */
export interface Speech {
  from: number;
  until: number;
  /** Samples of silence behind it. */
  rest: number;
  level: number;
  peak: number;
}

export function findSpeech({ samples, sampleRate }: Sound): Speech {
  const size = Math.round(FRAME * sampleRate);
  const power = Array.from({ length: Math.ceil(samples.length / size) }, (_, f) => {
    const frame = samples.subarray(f * size, (f + 1) * size);
    return frame.reduce((sum, sample) => sum + sample * sample, 0) / frame.length;
  });
  const loudest = power.reduce((most, value) => Math.max(most, value), 0);
  if (loudest === 0) return { from: 0, until: 0, rest: 0, level: 0, peak: 0 };
  const isSpeech = (value: number): boolean => value >= loudest * 10 ** (-RANGE_DB / 10);
  const active = power.filter(isSpeech);
  const margin = Math.round(MARGIN * sampleRate);
  const until = Math.min(samples.length, (power.findLastIndex(isSpeech) + 1) * size + margin);
  return {
    from: Math.max(0, power.findIndex(isSpeech) * size - margin),
    until,
    rest: samples.length - until,
    level: Math.sqrt(active.reduce((sum, value) => sum + value, 0) / active.length),
    peak: samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0),
  };
}

/** Factor that brings speech to a level in dB of full scale, less where a peak would be cut off. */
export function gainTo(levelDb: number, { level, peak }: Speech): number {
  return level === 0 ? 1 : Math.min(10 ** (levelDb / 20) / level, PEAK / peak);
}

/** One sentence in a take: its speech, the silence in seconds that is to follow, and whether the text ends with it, and so with that silence. */
export interface Part {
  speech: Speech;
  gap: number;
  isLast?: boolean;
}

/** Where a part lies in a take, in samples: its speech from `start` on, and behind it so much of its own silence. */
export interface Place {
  start: number;
  rest: number;
}

/**
 * Where each part lies in the whole, and how long that is, in samples. Parts without silence between them overlap by a cross-fade. A gap is the
 * silence of the sentence in front of it as far as that goes: where the sound of the room stops at once, it is heard.
 * @param lead seconds of silence before the first part
 */
export function layOut(parts: readonly Part[], sampleRate: number, lead = 0): { places: Place[]; length: number } {
  const fade = Math.round(FADE * sampleRate);
  let next = Math.round(lead * sampleRate);
  let length = 0;
  const places = parts.map(({ speech, gap, isLast = false }) => {
    const start = Math.max(0, next);
    const rest = Math.min(speech.rest, Math.round((isLast ? Math.max(gap, CLOSING) : gap) * sampleRate));
    const end = start + speech.until - speech.from;
    next = gap > 0 ? end + Math.round(gap * sampleRate) : end - fade;
    length = end + (isLast ? Math.max(rest, Math.round(gap * sampleRate)) : rest);
    return { start, rest };
  });
  return { places, length };
}

/** Adds the speech of a sound and the rest behind it to a take at its place, at that gain, with soft edges. Whatever lies outside `whole` is left out. */
export function mixIn(whole: Float32Array, sound: Sound, { from, until }: Speech, { start, rest }: Place, gain: number): void {
  const fade = Math.round(FADE * sound.sampleRate);
  const last = until + rest;
  for (let n = from; n < last; n++) {
    const edge = Math.min(1, (n - from + 0.5) / fade, (last - n - 0.5) / fade);
    const at = start + n - from;
    if (at < whole.length) whole[at] = (whole[at] ?? 0) + (sound.samples[n] ?? 0) * gain * edge;
  }
}
