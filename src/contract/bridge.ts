import type { CallName, ParamsInput, Result } from './calls.js';
import type { WireError } from './errors.js';
import type { StudioEvent } from './events.js';

export type Reply<T> = { ok: true; value: T } | { ok: false; error: WireError };

/**
 * What a client holds: preload puts one on `window.studio`, the browser host builds one over HTTP and WebSocket, the command line
 * calls the studio directly. Replies never reject; the error is a value, so that it survives every border with its code.
 */
export interface Bridge {
  call<N extends CallName>(name: N, params: ParamsInput<N>): Promise<Reply<Result<N>>>;
  /** Returns the function that ends the subscription. */
  subscribe(listener: (event: StudioEvent) => void): () => void;
}

/** Electron channel names. */
export const channels = { call: 'studio:call', event: 'studio:event' } as const;

/** HTTP paths of the browser host: `POST /api/<call>` with a JSON body, `GET /events` as a WebSocket of JSON messages. */
export const paths = { api: '/api/', events: '/events', assets: '/assets/', signIn: '/sign-in' } as const;

/** Uint8Array has no JSON form: bytes travel as `{ "$bytes": base64 }`. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key, v: unknown) {
    // `this[key]`, not `v`: a Node Buffer has already become its toJSON form by the time it arrives as `v`.
    const raw = this[key];
    return raw instanceof Uint8Array ? { $bytes: base64(raw) } : v;
  });
}

export function fromJson(text: string): unknown {
  return JSON.parse(text, (_key, v: unknown) => {
    if (typeof v === 'object' && v !== null && '$bytes' in v && typeof v.$bytes === 'string') {
      return Uint8Array.from(atob(v.$bytes), (c) => c.charCodeAt(0));
    }
    return v;
  });
}

function base64(bytes: Uint8Array): string {
  let binary = '';
  // A chunk at a time: String.fromCharCode takes its bytes as arguments, and there is a limit to those.
  for (let i = 0; i < bytes.length; i += 0x8000) binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(binary);
}
