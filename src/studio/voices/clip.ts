import { LIMITS, VOICE_RATE, amount } from '../../contract/index.js';
import type { Decoded } from '../audio/decoded.js';
import { decodeSound, monoAt } from '../audio/sound.js';

/** A sound file as a person gave it, ready to be looked at and trimmed. */
export interface Clip {
  /** Mono at `VOICE_RATE`, in -1..1. */
  samples: Float32Array;
  /** Of the file. */
  sampleRate: number;
  channels: number;
  /** Seconds at which the wave runs flat against its ceiling, one for each time that it does. */
  clipped: number[];
  /** Seconds at which there are samples that are no numbers. */
  broken: number[];
}

const TOO_LONG = `is longer than ${amount(LIMITS.voices.limits.fileSeconds)}. Cut out the part with the clearest speech, then choose that.`;

/** @throws StudioError `bad-file` with the reason: not a sound, damaged, cut off, empty, or longer than can be trimmed here */
export async function readClip(name: string, bytes: Uint8Array): Promise<Clip> {
  const decoded = await decodeSound(name, bytes, LIMITS.voices.limits.fileSeconds.value, TOO_LONG);
  return {
    samples: monoAt(decoded, VOICE_RATE),
    sampleRate: decoded.sampleRate,
    channels: decoded.channels.length,
    clipped: clippings(decoded),
    broken: brokenPlaces(decoded),
  };
}

/** Full scale, but for the rounding of the file's format. */
const CEILING = 0.998;
/** Samples in a row at full scale that no wave has by itself at these rates. */
const FLAT = 3;
/** Samples in a row at the highest value there is where that is lower: clipped first and turned down afterwards. */
const FLAT_BELOW = 6;
/** A quieter ceiling is that of a pause. */
const LEAST_CEILING = 0.1;
/** One step of 16 bits. */
const STEP = 2 ** -15;

/** Looked for before mixing and resampling, which both round off the flat tops. */
function clippings({ sampleRate, channels }: Decoded): number[] {
  return channels.flatMap((samples) => {
    const top = samples.reduce((most, sample) => (Number.isFinite(sample) ? Math.max(most, Math.abs(sample)) : most), 0);
    if (top < LEAST_CEILING) return [];
    const full = top >= CEILING;
    const ceiling = full ? CEILING : top - 1.5 * STEP;
    const wanted = full ? FLAT : FLAT_BELOW;
    const found: number[] = [];
    let run = 0;
    samples.forEach((sample, n) => {
      const sameSide = run === 0 || Math.sign(sample) === Math.sign(samples[n - 1] ?? 0);
      run = Math.abs(sample) < ceiling || Number.isNaN(sample) ? 0 : sameSide ? run + 1 : 1;
      if (run === wanted) found.push(n / sampleRate);
    });
    return found;
  });
}

function brokenPlaces({ sampleRate, channels }: Decoded): number[] {
  return channels.flatMap((samples) => {
    const found: number[] = [];
    samples.forEach((sample, n) => {
      if (!Number.isFinite(sample)) found.push(n / sampleRate);
    });
    return found;
  });
}
