import { type Decode, TooLong, bad, checkFormat, cutOff, notSound } from './decoded.js';

/** Of the format chunk. */
const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;
/** Size of a data chunk that was written before its end was known. */
const UNKNOWN_SIZE = 0xffff_ffff;

/** How one sample is read, by format and bits. */
const READERS: Readonly<Record<string, (view: DataView, place: number) => number>> = {
  [`${PCM} 8`]: (view, place) => (view.getUint8(place) - 128) / 2 ** 7,
  [`${PCM} 16`]: (view, place) => view.getInt16(place, true) / 2 ** 15,
  [`${PCM} 24`]: (view, place) => (view.getInt8(place + 2) * 2 ** 16 + view.getUint16(place, true)) / 2 ** 23,
  [`${PCM} 32`]: (view, place) => view.getInt32(place, true) / 2 ** 31,
  [`${FLOAT} 32`]: (view, place) => view.getFloat32(place, true),
  [`${FLOAT} 64`]: (view, place) => view.getFloat64(place, true),
};

/** WAV of 8, 16, 24 or 32 bits, or of floating-point numbers. */
export const readWav: Decode = (bytes, maxSeconds) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (place: number): string => String.fromCharCode(...bytes.subarray(place, place + 4));
  let format: { code: number; channels: number; sampleRate: number; bits: number } | null = null;
  // Chunks begin at even places.
  for (let place = 12, size = 0; place + 8 <= bytes.length; place += 8 + size + (size % 2)) {
    size = view.getUint32(place + 4, true);
    const body = place + 8;
    if (text(place) === 'fmt ') {
      if (size < 16 || body + size > bytes.length) throw notSound();
      const code = view.getUint16(body, true);
      format = {
        // The extended form has the code itself at the front of a longer name.
        code: code === EXTENSIBLE && size >= 26 ? view.getUint16(body + 24, true) : code,
        channels: view.getUint16(body + 2, true),
        sampleRate: view.getUint32(body + 4, true),
        bits: view.getUint16(body + 14, true),
      };
    } else if (text(place) === 'data') {
      if (!format) throw notSound();
      const { code, channels, sampleRate, bits } = format;
      const read = READERS[`${code} ${bits}`];
      if (!read) throw bad('is a WAV of a kind that can’t be read. Save it with 16 bits a sample.');
      checkFormat(sampleRate, channels);
      if (size === UNKNOWN_SIZE) size = bytes.length - body;
      if (body + size > bytes.length) throw cutOff();
      const width = bits / 8;
      const length = Math.floor(size / (width * channels));
      if (length > maxSeconds * sampleRate) throw new TooLong(maxSeconds);
      return {
        sampleRate,
        channels: Array.from({ length: channels }, (_, c) =>
          Float32Array.from({ length }, (_, n) => read(view, body + (n * channels + c) * width)),
        ),
      };
    }
  }
  throw cutOff();
};
