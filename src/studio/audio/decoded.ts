import { StudioError } from '../../contract/index.js';

const SOUND_LIMITS = { channels: 8, leastRate: 1000, mostRate: 384_000 } as const;

/** A decoded file, samples in -1..1, all channels of one length. */
export interface Decoded {
  sampleRate: number;
  channels: Float32Array[];
}

/**
 * Decodes the bytes of one format and gives up once it has more than so many seconds.
 * @throws StudioError `bad-file` whose message is a clause without its subject, the file's name
 */
export type Decode = (bytes: Uint8Array, maxSeconds: number) => Decoded | Promise<Decoded>;

/** MP4's sounds are AAC or ALAC, for which there is no kept decoder under a licence that fits. */
export function notM4a(): StudioError {
  return bad(
    'is an M4A or MP4 file, whose sound (AAC) can’t be read here. Open it in the studio’s window, or save it as WAV, FLAC, MP3 or Ogg.',
  );
}

export function notSound(cause?: unknown): StudioError {
  return bad('is not a sound that can be read. Choose a WAV, FLAC, MP3, Ogg Vorbis or Ogg Opus file.', cause);
}

export function damaged(cause?: unknown): StudioError {
  return bad('is damaged, so its sound can’t be read. Choose another copy of it.', cause);
}

export function cutOff(): StudioError {
  return bad('is cut off before its end. Choose the whole file.');
}

export function silent(): StudioError {
  return bad('has no sound in it. Choose another file.');
}

/** Thrown once a file has more seconds than it may; who asked for the sound says so in its own words. */
export class TooLong extends StudioError {
  constructor(readonly maxSeconds: number) {
    super('bad-file', `is longer than ${maxSeconds} seconds. Choose a shorter one.`);
  }
}

/** @throws StudioError `bad-file` for more channels or another rate than sounds have here */
export function checkFormat(sampleRate: number, channels: number): void {
  const { leastRate, mostRate, channels: most } = SOUND_LIMITS;
  if (channels < 1 || channels > most) throw bad(`has ${channels} channels. Choose a sound of 1 to ${most}.`);
  if (sampleRate < leastRate || sampleRate > mostRate)
    throw bad(`has ${sampleRate} samples a second. Choose a sound of ${leastRate} to ${mostRate}.`);
}

/** Parts one after another, of each channel. */
export function joinChannels(parts: readonly (readonly Float32Array[])[]): Float32Array[] {
  const [first] = parts;
  return (first ?? []).map((_, c) => {
    const whole = new Float32Array(parts.reduce((length, part) => length + (part[c]?.length ?? 0), 0));
    let place = 0;
    for (const part of parts) {
      const samples = part[c] ?? new Float32Array();
      whole.set(samples, place);
      place += samples.length;
    }
    return whole;
  });
}

export function bad(clause: string, cause?: unknown): StudioError {
  return new StudioError('bad-file', clause, { cause });
}
