import { crc32, inflateSync } from 'node:zlib';
import { FILE_LIMITS, StudioError } from '../contract/index.js';

/**
 * Text inside PNG files: read and written here because sharp writes none. Layout (PNG specification, 5.3): signature, then chunks of
 * length u32, type, data, CRC u32 over type and data.
 */
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const TEXT_TYPES: ReadonlySet<string> = new Set(['tEXt', 'iTXt', 'zTXt']);

/** What is longer is nothing of ours. */
const MAX_TEXT = FILE_LIMITS.textBytes;

interface Chunk {
  type: string;
  data: Buffer;
  /** Offsets of the whole chunk in the file. */
  start: number;
  end: number;
}

export function isPng(bytes: Uint8Array): boolean {
  return bytes.byteLength > SIGNATURE.length && SIGNATURE.equals(bytes.subarray(0, SIGNATURE.length));
}

function* chunks(png: Uint8Array): Generator<Chunk, undefined> {
  const file = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
  let start = SIGNATURE.length;
  while (start + 12 <= file.length) {
    const end = start + 12 + file.readUInt32BE(start);
    if (end > file.length) return;
    yield { type: file.toString('latin1', start + 4, start + 8), data: file.subarray(start + 8, end - 4), start, end };
    start = end;
  }
}

/** @throws StudioError `bad-file` */
export function pngSize(png: Uint8Array): { width: number; height: number } {
  const header = isPng(png) ? chunks(png).next().value : undefined;
  if (header?.type !== 'IHDR' || header.data.length < 8)
    throw new StudioError('bad-file', 'The file is no PNG picture. Restore it from a copy.');
  return { width: header.data.readUInt32BE(0), height: header.data.readUInt32BE(4) };
}

/** Every text of the file by its keyword. Damaged chunks and compressed ones beyond a megabyte are passed over. */
export function readPngText(png: Uint8Array): Map<string, string> {
  const texts = new Map<string, string>();
  if (!isPng(png)) return texts;
  for (const chunk of chunks(png)) {
    if (!TEXT_TYPES.has(chunk.type) || chunk.data.length > MAX_TEXT) continue;
    const entry = decodeText(chunk);
    if (entry) texts.set(...entry);
  }
  return texts;
}

function decodeText({ type, data }: Chunk): [keyword: string, text: string] | null {
  const keywordEnd = data.indexOf(0);
  if (keywordEnd < 1) return null;
  const keyword = data.toString('latin1', 0, keywordEnd);
  const rest = data.subarray(keywordEnd + 1);
  try {
    if (type === 'tEXt') return [keyword, rest.toString('latin1')];
    if (type === 'zTXt') return [keyword, inflate(rest.subarray(1)).toString('latin1')];
    // iTXt: compression flag, method, language tag, translated keyword, text
    const languageEnd = rest.indexOf(0, 2);
    const translatedEnd = languageEnd < 0 ? -1 : rest.indexOf(0, languageEnd + 1);
    if (translatedEnd < 0) return null;
    const text = rest.subarray(translatedEnd + 1);
    return [keyword, (rest[0] === 1 ? inflate(text) : text).toString('utf8')];
  } catch {
    return null;
  }
}

const inflate = (data: Buffer): Buffer => inflateSync(data, { maxOutputLength: MAX_TEXT });

export interface PngText {
  keyword: string;
  text: string;
  /** iTXt (UTF-8) also where tEXt (Latin-1), which more programs read, would do. */
  utf8?: boolean;
}

/** The same picture with these texts in place of those it had. */
export function withPngText(png: Uint8Array, texts: readonly PngText[]): Buffer {
  const parts: Uint8Array[] = [SIGNATURE];
  for (const { type, start, end } of chunks(png)) {
    if (TEXT_TYPES.has(type)) continue;
    parts.push(png.subarray(start, end));
    if (type === 'IHDR') parts.push(...texts.map(textChunk));
  }
  return Buffer.concat(parts);
}

const LATIN1 = /^[\n\x20-\x7e\xa0-\xff]*$/;

function textChunk({ keyword, text, utf8 = !LATIN1.test(text) }: PngText): Buffer {
  // iTXt: no compression, no language, no translated keyword.
  const head = Buffer.from(utf8 ? `${keyword}\0\0\0\0\0` : `${keyword}\0`, 'latin1');
  const body = Buffer.concat([head, Buffer.from(text, utf8 ? 'utf8' : 'latin1')]);
  const chunk = Buffer.alloc(12 + body.length);
  chunk.writeUInt32BE(body.length, 0);
  chunk.write(utf8 ? 'iTXt' : 'tEXt', 4, 'latin1');
  body.copy(chunk, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + body.length)), 8 + body.length);
  return chunk;
}
