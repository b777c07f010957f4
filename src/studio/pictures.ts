import type { Sharp } from 'sharp';
import { FILE_LIMITS, StudioError } from '../contract/index.js';
import { loadSharp } from './sharp.js';

/** Side of a thumbnail. A smaller picture has none, and is shown itself. */
export const THUMBNAIL = 192;
/** Side of a preview, at most: there are ten of them a second for each picture of a batch. */
export const PREVIEW = 96;

/** Square RGB pixels, `size * size * 3` bytes, as the engine hands them over. */
export interface Pixels {
  data: Uint8Array;
  size: number;
}

/** What is made of every picture and of its previews. A host may have encoders that are at hand sooner than sharp. */
export interface PictureEncoder {
  png(pixels: Pixels): Promise<Buffer>;
  /** In any format that browsers show, `PREVIEW` a side at most. */
  preview(pixels: Pixels): Promise<Uint8Array<ArrayBuffer>>;
  /** A PNG to be looked at at once and not to be kept: a hand on a slider waits for it. */
  frame(pixels: Pixels): Promise<Uint8Array<ArrayBuffer>>;
}

async function fromPixels({ data, size }: Pixels): Promise<Sharp> {
  const sharp = await loadSharp();
  return sharp(data, { raw: { width: size, height: size, channels: 3 } });
}

export async function toPng(pixels: Pixels): Promise<Buffer> {
  return (await fromPixels(pixels)).png({ compressionLevel: 9 }).toBuffer();
}

export async function toThumbnail(pixels: Pixels): Promise<Buffer> {
  return (await fromPixels(pixels)).resize(THUMBNAIL, THUMBNAIL, { kernel: 'lanczos3' }).webp({ quality: 88 }).toBuffer();
}

export const sharpEncoder: PictureEncoder = {
  png: toPng,
  preview: async (pixels) => {
    const picture = await fromPixels(pixels);
    const small = pixels.size > PREVIEW ? picture.resize(PREVIEW, PREVIEW, { kernel: 'cubic' }) : picture;
    return new Uint8Array(await small.webp({ quality: 80, effort: 0 }).toBuffer());
  },
  frame: async (pixels) => new Uint8Array(await (await fromPixels(pixels)).png({ compressionLevel: 1 }).toBuffer()),
};

/**
 * Any picture that sharp reads, as a model of that size wants it: upright, on white, the largest square in its middle.
 * @throws StudioError `bad-file`
 */
export async function toSquare(name: string, bytes: Uint8Array, size: number): Promise<Pixels> {
  const sharp = await loadSharp();
  try {
    const data = await sharp(bytes, { failOn: 'error' })
      .autoOrient()
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .resize(size, size, { fit: 'cover', position: 'centre', kernel: 'lanczos3' })
      .removeAlpha()
      .raw()
      .toBuffer();
    return { data, size };
  } catch (cause) {
    throw new StudioError('bad-file', `“${name}” is not a picture that can be read. Choose a PNG, JPEG, WebP, GIF, TIFF or AVIF file.`, {
      cause,
    });
  }
}

const MAX_SHEET_SIDE = FILE_LIMITS.sheetSide;

/** Contact sheet of square pictures, row by row, as near to a square as their number allows, on white. */
export async function toSheet(pictures: readonly Uint8Array[], size: number): Promise<Buffer> {
  const sharp = await loadSharp();
  const columns = Math.ceil(Math.sqrt(pictures.length));
  const rows = Math.ceil(pictures.length / columns);
  const tile = Math.min(size, Math.floor(MAX_SHEET_SIDE / columns));
  const stride = columns * tile * 3;
  const sheet = Buffer.alloc(rows * tile * stride, 255);
  for (const [i, picture] of pictures.entries()) {
    const pixels = await sharp(picture)
      .resize(tile, tile, { fit: 'contain', background: '#ffffff' })
      .flatten({ background: '#ffffff' })
      .raw()
      .toBuffer();
    const left = (i % columns) * tile * 3;
    const top = Math.floor(i / columns) * tile;
    for (let y = 0; y < tile; y++) pixels.copy(sheet, (top + y) * stride + left, y * tile * 3, (y + 1) * tile * 3);
  }
  return sharp(sheet, { raw: { width: columns * tile, height: rows * tile, channels: 3 } })
    .png()
    .toBuffer();
}
