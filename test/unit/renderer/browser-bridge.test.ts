import { describe, expect, it, vi } from 'vitest';
import { toJson, type StudioEvent } from '../../../src/contract/index.js';
import { BrowserConnection } from '../../../src/renderer/bridge/browser.js';
import type { ConnectionState } from '../../../src/renderer/bridge/connect.js';

type Answer = { status: number; body?: unknown } | 'down';

/** A browser whose host answers as a test says, and whose sockets and clocks it moves by hand. */
function setUp(answer: (path: string) => Answer, token: string | null = null) {
  const requests: { path: string; body: string }[] = [];
  const sockets: WebSocket[] = [];
  const waits: { ms: number; go: () => void }[] = [];
  const states: ConnectionState[] = [];
  const connection = new BrowserConnection(token, {
    fetch: ((path: string, init: { body: string }) => {
      requests.push({ path, body: init.body });
      const a = answer(path);
      if (a === 'down') return Promise.reject(new TypeError('fetch failed'));
      return Promise.resolve(new Response(toJson(a.body ?? { ok: true, value: null }), { status: a.status }));
    }) as typeof fetch,
    openSocket: () => {
      const socket = {} as WebSocket;
      sockets.push(socket);
      return socket;
    },
    wait: (ms, go) => void waits.push({ ms, go }),
  });
  connection.watch((state) => states.push(state));
  const fire = (socket: WebSocket | undefined, what: 'onopen' | 'onclose') => (socket?.[what] as (() => void) | undefined)?.();
  return { connection, requests, sockets, waits, states, fire };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

describe('the browser bridge', () => {
  it('signs in with the token before anything else', async () => {
    const { connection, requests, sockets, states, fire } = setUp(() => ({ status: 200 }), 'once');
    await connection.start();
    fire(sockets[0], 'onopen');
    expect(requests.map(({ path }) => path)).toEqual(['/sign-in', '/api/app.info']);
    expect(requests[0]?.body).toBe('{"token":"once"}');
    expect(states).toEqual(['connecting', 'connected']);
  });

  it('goes on with a spent token where the browser is signed in already', async () => {
    const { connection, sockets } = setUp((path) => ({ status: path === '/sign-in' ? 401 : 200 }), 'spent');
    await connection.start();
    expect(sockets).toHaveLength(1);
  });

  it('says that it is signed out, and opens no socket', async () => {
    const { connection, sockets, states } = setUp(() => ({ status: 401 }));
    await connection.start();
    expect(states).toEqual(['connecting', 'signed-out']);
    expect(sockets).toEqual([]);
  });

  it('waits longer each time the host does not answer, and starts over when it does', async () => {
    let up = false;
    const { connection, sockets, waits, states, fire } = setUp(() => (up ? { status: 200 } : 'down'));
    await connection.start();
    for (let i = 0; i < 5; i++) {
      waits[i]?.go();
      await settled();
    }
    expect(waits.map(({ ms }) => ms)).toEqual([500, 1000, 2000, 4000, 8000, 10_000]);
    up = true;
    waits[5]?.go();
    await settled();
    fire(sockets[0], 'onopen');
    expect(states).toEqual(['connecting', 'gone', 'connected']);
    up = false;
    fire(sockets[0], 'onclose');
    await settled();
    expect(waits[6]?.ms).toBe(500);
  });

  it('opens one socket, however often it is asked to try again', async () => {
    const { connection, sockets } = setUp(() => ({ status: 200 }));
    await connection.start();
    connection.retry();
    connection.retry();
    await settled();
    expect(sockets).toHaveLength(1);
  });

  it('signs in later where the host was down at first', async () => {
    let up = false;
    const { connection, requests, waits } = setUp(() => (up ? { status: 200 } : 'down'), 'once');
    await connection.start();
    up = true;
    waits[0]?.go();
    await settled();
    expect(requests.map(({ path }) => path)).toEqual(['/sign-in', '/sign-in', '/api/app.info']);
  });

  it('carries bytes both ways', async () => {
    const { connection, requests } = setUp(() => ({ status: 200, body: { ok: true, value: { bytes: Uint8Array.of(1, 255) } } }));
    const reply = await connection.bridge.call('recipe.read', { name: 'a.png', bytes: Uint8Array.of(7) });
    expect(requests[0]).toEqual({ path: '/api/recipe.read', body: '{"name":"a.png","bytes":{"$bytes":"Bw=="}}' });
    expect(reply).toEqual({ ok: true, value: { bytes: Uint8Array.of(1, 255) } });
  });

  it('passes events on until the listener leaves', async () => {
    const { connection, sockets } = setUp(() => ({ status: 200 }));
    const heard = vi.fn<(event: StudioEvent) => void>();
    const leave = connection.bridge.subscribe(heard);
    await connection.start();
    const event: StudioEvent = { name: 'itemsRemoved', payload: ['a'] };
    const message = { data: toJson(event) } as MessageEvent;
    sockets[0]?.onmessage?.(message);
    leave();
    sockets[0]?.onmessage?.(message);
    expect(heard.mock.calls).toEqual([[event]]);
  });

  it('turns a host that is gone into an error value, never a rejection', async () => {
    const { connection } = setUp(() => 'down');
    const reply = await connection.bridge.call('app.info', null);
    expect(reply).toMatchObject({ ok: false, error: { code: 'internal' } });
  });
});
