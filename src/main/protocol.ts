import path from 'node:path';
import { net, protocol } from 'electron';
import { paths } from '../contract/index.js';
import type { Studio } from '../studio/index.js';
import { SCHEME, securityHeaders } from './security.js';
import { fileResponse, refusal, resolveInside } from './serve.js';

const RENDERER = path.join(import.meta.dirname, '..', 'renderer');

/**
 * Answers `studio://app/`: the studio's files under `/assets/`, the built renderer (or, while developing, Vite's server) elsewhere.
 * What is the studio's waits until it is open.
 */
export function serveStudio(opening: Promise<Pick<Studio, 'asset'>>, devServer: string | null): void {
  const headers = securityHeaders(devServer);
  protocol.handle(SCHEME, async (request) => {
    const { host, pathname, search } = new URL(request.url);
    if (host !== 'app') return refusal(404, headers);
    if (request.method !== 'GET' && request.method !== 'HEAD') return refusal(405, headers);
    if (pathname.startsWith(paths.assets)) {
      const found = await (await opening).asset(pathname);
      return found ? fileResponse(request, found.file, headers, found.contentType) : refusal(404, headers);
    }
    const file = resolveInside(RENDERER, pathname === '/' ? '/index.html' : pathname);
    if (file === null) return refusal(403, headers);
    if (devServer) return fromDevServer(devServer + pathname + search, headers);
    return fileResponse(request, file, headers);
  });
}

async function fromDevServer(url: string, headers: Record<string, string>): Promise<Response> {
  const { body, status, headers: given } = await net.fetch(url);
  return new Response(body, { status, headers: { ...headers, 'content-type': given.get('content-type') ?? 'text/plain' } });
}
