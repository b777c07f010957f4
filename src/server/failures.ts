import { LIMITS } from '../contract/index.js';

const WINDOW_MS = 60_000;
const ALLOWED = 20;
const MAX_ADDRESSES = LIMITS.server.limits.failedAddresses.value;

/** Wrong tokens by address, so that nobody tries them by the thousand. */
export class Failures {
  readonly #byAddress = new Map<string, { count: number; since: number }>();

  tooMany(address: string, now = Date.now()): boolean {
    const known = this.#byAddress.get(address);
    if (!known) return false;
    if (now - known.since < WINDOW_MS) return known.count >= ALLOWED;
    this.#byAddress.delete(address);
    return false;
  }

  add(address: string, now = Date.now()): void {
    const known = this.#byAddress.get(address);
    if (known && now - known.since < WINDOW_MS) {
      known.count++;
      return;
    }
    this.#byAddress.delete(address);
    this.#byAddress.set(address, { count: 1, since: now });
    for (const oldest of this.#byAddress.keys()) {
      if (this.#byAddress.size <= MAX_ADDRESSES) break;
      this.#byAddress.delete(oldest);
    }
  }
}
