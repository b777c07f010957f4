import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.flac': 'audio/flac',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.zip': 'application/zip',
};

/**
 * @param root an absolute folder
 * @param pathname of a URL, still percent-encoded
 * @returns the file it names inside `root`, or null where it is malformed or would lead out
 */
export function resolveInside(root: string, pathname: string): string | null {
  let decoded: string;
  try {
    decoded = decodeURIComponent(pathname);
  } catch {
    return null;
  }
  if (decoded.includes('\0') || decoded.includes('\\') || decoded.split('/').includes('..')) return null;
  const file = path.join(root, decoded);
  return file.startsWith(root + path.sep) ? file : null;
}

interface ByteRange {
  /** First and last byte, both inclusive. */
  start: number;
  end: number;
}

/**
 * One range of RFC 9110 section 14: `bytes=a-b`, `bytes=a-` or `bytes=-n`.
 * @returns `null` for no range, one that is malformed or several, which all mean the whole file; `'unsatisfiable'` for one past the end
 */
export function parseRange(header: string | null, size: number): ByteRange | 'unsatisfiable' | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match) return null;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return null;
  if (first === '') return Number(last) === 0 || size === 0 ? 'unsatisfiable' : { start: Math.max(0, size - Number(last)), end: size - 1 };
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return null;
  return start >= size ? 'unsatisfiable' : { start, end };
}

/**
 * A file as a response. Answers Range with 206 itself: without it media has no length and cannot seek under a custom scheme.
 * @param type overrides the type of the file's suffix
 */
export async function fileResponse(request: Request, file: string, headers: Record<string, string>, type?: string): Promise<Response> {
  const info = await stat(file).catch(() => null);
  if (!info?.isFile()) return refusal(404, headers);
  const all = {
    ...headers,
    'content-type': type ?? TYPES[path.extname(file).toLowerCase()] ?? 'application/octet-stream',
    'accept-ranges': 'bytes',
    'last-modified': info.mtime.toUTCString(),
  };
  const range = parseRange(request.headers.get('range'), info.size);
  if (range === 'unsatisfiable') return new Response(null, { status: 416, headers: { ...all, 'content-range': `bytes */${info.size}` } });
  const { start, end } = range ?? { start: 0, end: info.size - 1 };
  const length = end - start + 1;
  const body =
    request.method === 'HEAD' || length === 0 ? null : (Readable.toWeb(createReadStream(file, { start, end })) as ReadableStream);
  const partial = range ? { 'content-range': `bytes ${start}-${end}/${info.size}` } : {};
  return new Response(body, { status: range ? 206 : 200, headers: { ...all, ...partial, 'content-length': String(length) } });
}

/** @param status an HTTP error */
export function refusal(status: 400 | 403 | 404 | 405, headers: Record<string, string>): Response {
  return new Response(null, { status, headers });
}
