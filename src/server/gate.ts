import { randomBytes, timingSafeEqual } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';
import { LIMITS } from '../contract/index.js';

const MAX_SESSIONS = LIMITS.server.limits.sessions.value;

export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);

/**
 * Who may speak to the server. Three checks, each for another attacker: the Host header (a foreign name that resolves to this
 * machine), the Origin header (a foreign page in a browser that is signed in here), and a session (anybody else on this machine).
 */
export class Gate {
  readonly #tokens = new Set<string>();
  readonly #sessions = new Set<string>();
  #hosts: ReadonlySet<string> = new Set();

  /**
   * @param scheme of the pages that may call
   * @param apiKey what programs send as a bearer token; null for none
   */
  constructor(
    private readonly scheme: 'http' | 'https',
    private readonly apiKey: string | null,
  ) {}

  /** The port is known once the server listens; until then nobody may speak to it. */
  open(host: string, port: number): void {
    const names = isLoopback(host) ? ['127.0.0.1', 'localhost', '[::1]', bracketed(host)] : [bracketed(host), ...ownNames()];
    const usual = this.scheme === 'https' ? 443 : 80;
    this.#hosts = new Set(names.flatMap((name) => (port === usual ? [name, `${name}:${port}`] : [`${name}:${port}`])));
  }

  /** A token that signs in one browser, once. */
  newToken(): string {
    const token = randomBytes(24).toString('base64url');
    this.#tokens.add(token);
    return token;
  }

  /** The session that a token buys, or null where it is unknown or used. */
  signIn(token: unknown): string | null {
    if (typeof token !== 'string') return null;
    const known = [...this.#tokens].find((candidate) => equal(candidate, token));
    if (known === undefined) return null;
    this.#tokens.delete(known);
    const session = randomBytes(32).toString('base64url');
    this.#sessions.add(session);
    for (const oldest of this.#sessions) {
      if (this.#sessions.size <= MAX_SESSIONS) break;
      this.#sessions.delete(oldest);
    }
    return session;
  }

  isSignedIn(session: string | undefined): boolean {
    return session !== undefined && this.#sessions.has(session);
  }

  /** Whether the Authorization header has the key. */
  hasKey(authorization: string | undefined): boolean {
    const [scheme, token, ...more] = (authorization ?? '').split(' ');
    if (this.apiKey === null || scheme?.toLowerCase() !== 'bearer' || token === undefined || more.length > 0) return false;
    return equal(this.apiKey, token);
  }

  isOwnHost(host: string | undefined): boolean {
    return host !== undefined && this.#hosts.has(host.toLowerCase());
  }

  /** Requests without an Origin come from no page of another site. */
  isOwnOrigin(origin: string | undefined): boolean {
    const start = `${this.scheme}://`;
    return origin === undefined || (origin.startsWith(start) && this.isOwnHost(origin.slice(start.length)));
  }
}

/** In a time that does not tell how much of it is right. */
function equal(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** Every name and address under which this machine may be reached. */
function ownNames(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return ['localhost', hostname().toLowerCase(), ...addresses.map(({ address }) => bracketed(address))];
}
