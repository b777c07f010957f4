import type { Bridge } from '../../contract/index.js';
import { BrowserConnection } from './browser.js';

/**
 * `connecting`: not answered yet. `connected`: calls and events flow. `signed-out`: the studio runs but does not know this browser.
 * `gone`: the studio does not answer; a browser goes on trying.
 */
export type ConnectionState = 'connecting' | 'connected' | 'signed-out' | 'gone';

export interface Connection {
  readonly bridge: Bridge;
  /** Tells the state now and after each change; returns the function that ends the watch. */
  watch(listener: (state: ConnectionState) => void): () => void;
  /** Tries again at once instead of waiting for the next attempt. */
  retry(): void;
}

/** Electron's preload where there is one, else HTTP and WebSocket to the host that served this page. */
export function connect(): Connection {
  if (window.studio) return preloaded(window.studio);
  const connection = new BrowserConnection(takeToken());
  void connection.start();
  // A link that differs only after the "#" does not load the page again.
  addEventListener('hashchange', () => {
    const token = takeToken();
    if (token !== null) connection.signIn(token);
  });
  return connection;
}

function preloaded(bridge: Bridge): Connection {
  return {
    bridge,
    watch(listener) {
      listener('connected');
      return () => undefined;
    },
    retry: () => undefined,
  };
}

/** The one-time token of `#token=...`, removed from the address so that it is neither bookmarked nor shared. */
function takeToken(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token !== null) history.replaceState(null, '', location.pathname + location.search);
  return token;
}
