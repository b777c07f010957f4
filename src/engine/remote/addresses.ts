import { StudioError } from '../../contract/errors.js';
import { REMOTE_LIMITS } from './limits.js';

/**
 * `RESGEN_REMOTE`: addresses of inference servers that hold the same models, with commas between them.
 * @returns each without a slash at its end; none for an empty text
 * @throws StudioError `bad-request`
 */
export function remoteAddresses(text: string): string[] {
  const addresses = text
    .split(',')
    .map((address) => address.trim())
    .filter(Boolean);
  if (addresses.length > REMOTE_LIMITS.replicas) {
    throw new StudioError(
      'bad-request',
      `RESGEN_REMOTE names ${addresses.length} servers, and at most ${REMOTE_LIMITS.replicas} are used. Name fewer.`,
    );
  }
  return [...new Set(addresses.map(normalise))];
}

function normalise(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (!url || !/^(https?|grpcs?):$/.test(url.protocol) || !url.hostname || url.search || url.hash || url.username || url.password) {
    throw new StudioError(
      'bad-request',
      `“${address}” in RESGEN_REMOTE is not the address of a server. Write it like http://server:8000 or grpc://server:8001, with commas between several.`,
    );
  }
  if (isGrpc(url.href) && (!url.port || !/^\/?$/.test(url.pathname))) {
    throw new StudioError('bad-request', `“${address}” in RESGEN_REMOTE must be a server and its port alone, like grpc://server:8001.`);
  }
  return url.href.replace(/\/+$/, '');
}

export function isGrpc(address: string): boolean {
  return /^grpcs?:/.test(address);
}
