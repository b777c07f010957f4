import { VOICE_RATE } from '../../contract/index.js';

/** Seconds of a frame. */
export const FRAME = 0.02;
const SAMPLES = FRAME * VOICE_RATE;
/** Decibels of a frame without any sound. */
const NOTHING = -100;

/** The level of each frame, in decibels below a square wave at full scale. */
export function frameLevels(samples: Float32Array): number[] {
  return Array.from({ length: Math.floor(samples.length / SAMPLES) }, (_, f) => {
    const frame = samples.subarray(f * SAMPLES, (f + 1) * SAMPLES);
    const power = frame.reduce((sum, sample) => sum + sample * sample, 0) / SAMPLES;
    return power === 0 ? NOTHING : Math.max(NOTHING, 10 * Math.log10(power));
  });
}

/** The value that this share of the values is not above. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

export interface Loudness {
  levels: number[];
  /** Of the loud frames, which in speech are the vowels. */
  voice: number;
  /** Of the quiet frames, which in speech are the pauses. */
  pauses: number;
  /** Whether a frame is loud enough to be part of what the clip is about. */
  isVoice: (level: number) => boolean;
}

/** Speech goes about 30 decibels down within words; what is quieter is a pause. */
const RANGE = 30;
/** Quieter than any voice that a microphone was meant to take. */
const LEAST_LEVEL = -60;

export function loudness(samples: Float32Array): Loudness {
  const levels = frameLevels(samples);
  // Of what is near the loudest: most of a clip may be pauses, and a knock on the table is no voice.
  const loudest = quantile(levels, 0.99);
  const near = levels.filter((level) => level >= loudest - RANGE);
  const voice = quantile(near, 0.85);
  const least = Math.max(LEAST_LEVEL, voice - RANGE);
  return { levels, voice, pauses: quantile(levels, 0.08), isVoice: (level) => level > least };
}
