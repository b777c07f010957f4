import type { Bridge, CallName, ParamsInput, Reply, Result, StudioEvent } from '../../contract/index.js';
import { fromJson, paths, toJson } from '../../contract/index.js';
import type { Connection, ConnectionState } from './connect.js';

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

/** What the connection needs of the browser, so that tests can play it. */
export interface BrowserParts {
  fetch: typeof fetch;
  openSocket: (path: string) => WebSocket;
  wait: (ms: number, go: () => void) => void;
}

const realParts: BrowserParts = {
  fetch: (input, init) => fetch(input, init),
  openSocket: (path) => new WebSocket(new URL(path, location.href.replace(/^http/, 'ws'))),
  wait: (ms, go) => void setTimeout(go, ms),
};

/** A `Bridge` over HTTP and WebSocket that signs in with a one-time token and reconnects when the host comes back. */
export class BrowserConnection implements Connection {
  readonly bridge: Bridge;
  #state: ConnectionState = 'connecting';
  #watchers = new Set<(state: ConnectionState) => void>();
  #listeners = new Set<(event: StudioEvent) => void>();
  #waitMs = FIRST_WAIT_MS;
  #socket: WebSocket | null = null;
  #waiting = false;
  /** Until the host has answered it: it works once. */
  #token: string | null;

  constructor(
    token: string | null,
    private readonly parts: BrowserParts = realParts,
  ) {
    this.#token = token;
    this.bridge = {
      call: (name, params) => this.#call(name, params),
      subscribe: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
    };
  }

  watch(listener: (state: ConnectionState) => void): () => void {
    this.#watchers.add(listener);
    listener(this.#state);
    return () => this.#watchers.delete(listener);
  }

  /** Signs in if there is a token, then opens the event stream. */
  async start(): Promise<void> {
    await this.#open();
  }

  /** Takes a newer token, from a link opened in the same tab. */
  signIn(token: string): void {
    this.#token = token;
    void this.#open();
  }

  retry(): void {
    this.#waitMs = FIRST_WAIT_MS;
    void this.#open();
  }

  async #open(): Promise<void> {
    if (this.#socket) return;
    if (this.#token !== null) {
      const signedIn = await this.#post(paths.signIn, { token: this.#token });
      if (signedIn === null) return this.#lost();
      // A spent token may be this very browser's, reloaded: its cookie decides, in the call below.
      this.#token = null;
    }
    // A browser does not say why a WebSocket was refused, so a plain call asks first.
    const probe = await this.#post(`${paths.api}app.info`, null);
    if (probe === null) return this.#lost();
    if (isSignedOut(probe)) return this.#become('signed-out');
    if (this.#socket) return;
    const socket = this.parts.openSocket(paths.events);
    this.#socket = socket;
    socket.onopen = () => {
      this.#waitMs = FIRST_WAIT_MS;
      this.#become('connected');
    };
    socket.onmessage = ({ data }) => {
      if (typeof data !== 'string') return;
      const event = fromJson(data) as StudioEvent;
      for (const listener of this.#listeners) listener(event);
    };
    socket.onclose = () => {
      this.#socket = null;
      this.#become('connecting');
      void this.#open();
    };
  }

  #lost(): void {
    this.#become('gone');
    if (this.#waiting) return;
    this.#waiting = true;
    const ms = this.#waitMs;
    this.#waitMs = Math.min(ms * 2, LONGEST_WAIT_MS);
    this.parts.wait(ms, () => {
      this.#waiting = false;
      void this.#open();
    });
  }

  #become(state: ConnectionState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const watcher of this.#watchers) watcher(state);
  }

  async #call<N extends CallName>(name: N, params: ParamsInput<N>): Promise<Reply<Result<N>>> {
    const response = await this.#post(paths.api + name, params);
    if (response === null) return failure('The studio does not answer. Check that it is still running, then try again.');
    if (isSignedOut(response)) {
      this.#become('signed-out');
      return failure('This browser is signed out of the studio.');
    }
    try {
      return fromJson(await response.text()) as Reply<Result<N>>;
    } catch {
      return failure(`The studio gave an answer that can't be read (HTTP ${response.status}).`);
    }
  }

  /** Null where nothing answers. */
  async #post(path: string, body: unknown): Promise<Response | null> {
    try {
      return await this.parts.fetch(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: toJson(body),
        credentials: 'same-origin',
      });
    } catch {
      return null;
    }
  }
}

function isSignedOut(response: Response): boolean {
  return response.status === 401 || response.status === 403;
}

function failure(message: string): { ok: false; error: { code: 'internal'; message: string } } {
  return { ok: false, error: { code: 'internal', message } };
}
