import { toWav } from '../../contract/index.js';
import { type NamedBytes, readFile } from './files.js';

/** Eight minutes at the highest rate in use: it is decoded whole, and takes ten times as much then. */
const LARGEST = 16 * 2 ** 20;
const RATE = 48_000;

/**
 * A file as the studio reads it. AAC (M4A, MP4) has no decoder that could ship with the studio, but Electron and most browsers have one: where
 * this one has, such a file becomes a WAV of its name. Where it has not, the studio says what to do instead.
 * @returns a sentence where it can't be read
 */
export async function readSoundFile(file: File): Promise<NamedBytes | string> {
  const read = await readFile(file);
  if (typeof read === 'string' || !isMp4(read.bytes) || read.bytes.length > LARGEST) return read;
  try {
    const decoded = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(read.bytes.buffer.slice(0));
    const channels = Array.from({ length: decoded.numberOfChannels }, (_, c) => decoded.getChannelData(c));
    const mono = Float32Array.from(
      { length: decoded.length },
      (_, n) => channels.reduce((sum, x) => sum + (x[n] ?? 0), 0) / channels.length,
    );
    return { name: read.name, bytes: toWav(mono, decoded.sampleRate) };
  } catch {
    return read;
  }
}

/** Every file of the MPEG-4 family begins with a box of this type. */
function isMp4(bytes: Uint8Array): boolean {
  return new TextDecoder('latin1').decode(bytes.subarray(4, 8)) === 'ftyp';
}
