import { StudioError } from '../../contract/index.js';
import { type Decode, type Decoded, TooLong, bad, damaged, notM4a, notSound, silent } from './decoded.js';
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
export function readSound(name: string, bytes: Uint8Array, { sampleRate, samplesPerPosition, L }: SoundShape): Promise<Float32Array> {
  const maxSeconds = (L * samplesPerPosition) / sampleRate;
  const tooLong = `is longer than the ${maxSeconds.toFixed(1)} seconds that the model takes. Choose a shorter one.`;
  return explained(name, tooLong, async () => {
    const samples = monoAt(await decode(bytes, maxSeconds), sampleRate);
    const positions = Math.ceil(samples.length / samplesPerPosition);
    if (positions > L) throw new TooLong(maxSeconds);
    const whole = new Float32Array(positions * samplesPerPosition);
    whole.set(samples);
    return whole;
  });
}

/**
 * All channels of a sound file, at its own rate.
 * @param tooLong what is said of a file of more than `maxSeconds`, without its subject
 * @throws StudioError `bad-file` as `readSound`
 */
export function decodeSound(name: string, bytes: Uint8Array, maxSeconds: number, tooLong: string): Promise<Decoded> {
  return explained(name, tooLong, () => decode(bytes, maxSeconds));
}

/** The mean of the channels at another rate, in -1..1; what is no number becomes silence. */
export function monoAt(decoded: Decoded, sampleRate: number): Float32Array {
  // One sample that is no number would spoil all those around it.
  const mixed = mono(decoded).map((sample) => (Number.isFinite(sample) ? sample : 0));
  // Resampling may overshoot, and files of floating-point numbers may hold any.
  return resample(mixed, decoded.sampleRate, sampleRate).map((sample) => Math.max(-1, Math.min(1, sample)));
}

async function decode(bytes: Uint8Array, maxSeconds: number): Promise<Decoded> {
  const file = bytes.subarray(tagBytes(bytes));
  try {
    const decoded = await decoderOf(file)(file, maxSeconds);
    if ((decoded.channels[0]?.length ?? 0) === 0) throw silent();
    return decoded;
  } catch (error) {
    // WebAssembly that a damaged stream leads astray ends with an error of its own.
    throw error instanceof WebAssembly.RuntimeError ? damaged(error) : error;
  }
}

/** Puts the name of the file before what is wrong with it. */
async function explained<T>(name: string, tooLong: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StudioError)) throw error;
    const why = error instanceof TooLong ? bad(tooLong, error) : error;
    throw new StudioError(why.code, `“${name}” ${why.message}`, { cause: error });
  }
}

/** By what the bytes are, whatever the file is called. */
function decoderOf(file: Uint8Array): Decode {
  const text = Buffer.from(file.subarray(0, 12)).toString('latin1');
  if (text.startsWith('RIFF') && text.endsWith('WAVE')) return readWav;
  if (text.startsWith('fLaC')) return readFlac;
  if (text.startsWith('OggS')) return readOgg;
  if (text.startsWith('ftyp', 4)) throw notM4a();
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
