import { StudioError } from './errors.js';

/** The form in which sounds travel: mono WAV of 16 bits. */

const HEADER = 44;
const FORMAT_END = 36;
/** “data”, as a number. */
const DATA = 0x64617461;
const FULL_SCALE = 32_767;

/** Mono samples in -1..1. */
export interface Sound {
  readonly sampleRate: number;
  readonly samples: Float32Array;
}

export function toWav(samples: Float32Array, sampleRate: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER + samples.length * 2);
  const view = new DataView(bytes.buffer);
  const text = (place: number, letters: string): void => void bytes.set(new TextEncoder().encode(letters), place);
  text(0, 'RIFF');
  view.setUint32(4, bytes.length - 8, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  // PCM, one channel.
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, 'data');
  view.setUint32(40, samples.length * 2, true);
  bytes.set(toPcm(samples), HEADER);
  return bytes;
}

/** Samples as they lie in such a file: 16 bits each, cut off at full scale. */
export function toPcm(samples: Float32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(samples.length * 2);
  const view = new DataView(bytes.buffer);
  samples.forEach((sample, n) => view.setInt16(n * 2, Math.round(Math.max(-1, Math.min(1, sample)) * FULL_SCALE), true));
  return bytes;
}

/** Reads what `toWav` wrote, also where other chunks follow the samples or lie before them. @throws StudioError `bad-file` where not even its header is there */
export function fromWav(bytes: Uint8Array): Sound {
  if (bytes.length < HEADER) throw new StudioError('bad-file', 'A sound file is damaged or cut off. Restore it from a copy, or delete it.');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // The format comes first. Chunks begin at even places.
  let place = FORMAT_END;
  for (let size = 0; place + 8 < bytes.length && view.getUint32(place) !== DATA; place += 8 + size + (size % 2))
    size = view.getUint32(place + 4, true);
  const from = place + 8;
  const length = from > bytes.length ? 0 : Math.max(0, Math.floor(Math.min(view.getUint32(place + 4, true), bytes.length - from) / 2));
  return {
    sampleRate: view.getUint32(24, true),
    samples: Float32Array.from({ length }, (_, n) => view.getInt16(from + n * 2, true) / FULL_SCALE),
  };
}
