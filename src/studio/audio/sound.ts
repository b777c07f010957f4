import { StudioError } from '../../contract/index.js';
import { type Decode, type Decoded, notSound, silent, tooLong } from './decoded.js';
import { readFlac } from './flac.js';
import { isMp3, readMp3 } from './mp3.js';
import { readOgg } from './ogg.js';
import { resample } from './resample.js';
import { readWav } from './wav.js';

const ID3_HEADER = 10;

/** What a model takes. */
export interface SoundShape {
  sampleRate: number;
  samplesPerPosition: number;
  /** The most positions that one sound may have. */
  L: number;
}

/**
 * A sound file as a model wants it: mono (the mean of the channels), at its rate, with silence at the end up to a whole position.
 * @returns samples in -1..1
 * @throws StudioError `bad-file` with the reason: not a sound, damaged, cut off, empty, or longer than the model takes
 */
export async function readSound(name: string, bytes: Uint8Array, { sampleRate, samplesPerPosition, L }: SoundShape): Promise<Float32Array> {
  try {
    const maxSeconds = (L * samplesPerPosition) / sampleRate;
    const file = bytes.subarray(tagBytes(bytes));
    const decoded = await decoderOf(file)(file, maxSeconds);
    const samples = resample(mono(decoded), decoded.sampleRate, sampleRate);
    if (samples.length === 0) throw silent();
    const positions = Math.ceil(samples.length / samplesPerPosition);
    if (positions > L) throw tooLong(maxSeconds);
    const whole = new Float32Array(positions * samplesPerPosition);
    // Resampling may overshoot, and files of floating-point numbers may hold any.
    samples.forEach((sample, n) => (whole[n] = Number.isFinite(sample) ? Math.max(-1, Math.min(1, sample)) : 0));
    return whole;
  } catch (error) {
    if (!(error instanceof StudioError)) throw error;
    throw new StudioError(error.code, `“${name}” ${error.message}`, { cause: error });
  }
}

/** By what the bytes are, whatever the file is called. */
function decoderOf(file: Uint8Array): Decode {
  const text = Buffer.from(file.subarray(0, 12)).toString('latin1');
  if (text.startsWith('RIFF') && text.endsWith('WAVE')) return readWav;
  if (text.startsWith('fLaC')) return readFlac;
  if (text.startsWith('OggS')) return readOgg;
  if (isMp3(file)) return readMp3;
  throw notSound();
}

/** Size of an ID3v2 tag at the front, which MP3 files have, and some of FLAC. */
function tagBytes(bytes: Uint8Array): number {
  if (Buffer.from(bytes.subarray(0, 3)).toString('latin1') !== 'ID3' || bytes.length < ID3_HEADER) return 0;
  // Four digits of seven bits each.
  return ID3_HEADER + bytes.subarray(6, ID3_HEADER).reduce((size, digit) => size * 128 + (digit & 127), 0);
}

function mono({ channels }: Decoded): Float32Array {
  const [first, ...others] = channels;
  if (!first || others.length === 0) return first ?? new Float32Array();
  return first.map((sample, n) => others.reduce((sum, channel) => sum + (channel[n] ?? 0), sample) / channels.length);
}
