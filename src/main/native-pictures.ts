import { type NativeImage, nativeImage } from 'electron';
import { PREVIEW, type PictureEncoder, type Pixels } from '../studio/pictures.js';

const JPEG_QUALITY = 85;

/** Chromium's own encoders: in memory already, and no WebAssembly as sharp is in Electron on Linux. */
export const nativeEncoder: PictureEncoder = {
  png: (pixels) => Promise.resolve(toImage(pixels).toPNG()),
  preview: (pixels) => {
    const image = toImage(pixels);
    const small = pixels.size > PREVIEW ? image.resize({ width: PREVIEW, height: PREVIEW, quality: 'good' }) : image;
    return Promise.resolve(new Uint8Array(small.toJPEG(JPEG_QUALITY)));
  },
  frame: (pixels) => Promise.resolve(new Uint8Array(toImage(pixels).toPNG())),
};

function toImage({ data, size }: Pixels): NativeImage {
  const bgra = Buffer.alloc(size * size * 4, 255);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) {
    bgra[to] = data[from + 2] ?? 0;
    bgra[to + 1] = data[from + 1] ?? 0;
    bgra[to + 2] = data[from] ?? 0;
  }
  return nativeImage.createFromBitmap(bgra, { width: size, height: size });
}
