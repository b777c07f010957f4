import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get as httpGet } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type CallName,
  type ParamsInput,
  type Reply,
  type Result,
  type StudioEvent,
  assets,
  fromJson,
  paths,
  toJson,
} from '../../../src/contract/index.js';
import { readNpy, writeNpy } from '../../../src/engine/index.js';
import { type RunningServer, startServer } from '../../../src/server/index.js';
import { type TestStudio, openStudio, request, setEnvironment, temporaryFolder } from '../studio/support.js';

interface Browser {
  cookie: string;
  call<N extends CallName>(name: N, params: ParamsInput<N>): Promise<Reply<Result<N>>>;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** Every event from now on. */
  listen(): Promise<StudioEvent[]>;
}

interface Serving {
  origin: string;
  server: RunningServer;
  test: TestStudio;
  signIn(): Promise<Browser>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
}

const tokenOf = (link: string): string => new URLSearchParams(new URL(link).hash.slice(1)).get('token') ?? '';

async function serve(): Promise<Serving> {
  const rendererFolder = join(temporaryFolder(), 'renderer');
  mkdirSync(join(rendererFolder, 'assets'), { recursive: true });
  writeFileSync(join(rendererFolder, 'index.html'), '<!doctype html><title>Studio</title>');
  writeFileSync(join(rendererFolder, 'assets', 'index.js'), 'export {};');
  const test = openStudio();
  const server = await startServer({ studio: test.studio, rendererFolder, host: '127.0.0.1', port: 0 });
  onTestFinished(() => server.close());
  const origin = `http://127.0.0.1:${server.port}`;
  const post: Serving['post'] = (path, body, headers = {}) =>
    fetch(origin + path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: toJson(body) });
  return {
    origin,
    server,
    test,
    post,
    signIn: async () => {
      const response = await post(paths.signIn, { token: tokenOf(server.newLink()) });
      expect(response.status).toBe(200);
      const cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
      return {
        cookie,
        call: async (name, params) =>
          fromJson(await (await post(paths.api + name, params, { cookie })).text()) as Reply<Result<typeof name>>,
        get: (path, headers = {}) => fetch(origin + path, { headers: { cookie, ...headers } }),
        listen: async () => {
          const events: StudioEvent[] = [];
          const socket = new WebSocket(origin.replace('http', 'ws') + paths.events, { headers: { cookie, origin } });
          socket.on('message', (data) => events.push(fromJson(String(data)) as StudioEvent));
          await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
          onTestFinished(() => socket.terminate());
          return events;
        },
      };
    },
  };
}

/** The status of a GET with headers that fetch does not let a page set. */
function statusWith(port: number, path: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    httpGet({ host: '127.0.0.1', port, path, headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on('error', reject);
  });
}

/** The status line of the answer to a WebSocket handshake. */
function handshake(port: number, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${paths.events}`, { headers });
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
    socket.on('open', () => {
      socket.terminate();
      resolve(101);
    });
    socket.on('error', () => undefined);
  });
}

describe('signing in', () => {
  it('serves the pages to anybody and everything else to nobody', async () => {
    const { origin, post, server } = await serve();
    expect(await (await fetch(origin)).text()).toContain('<title>Studio</title>');
    expect((await fetch(`${origin}/assets/index.js`)).status).toBe(200);
    const call = await post('/api/app.info', null);
    expect(call.status).toBe(401);
    expect(await call.json()).toMatchObject({ ok: false, error: { code: 'refused' } });
    expect((await fetch(origin + assets.picture('0123456789abcdef'))).status).toBe(401);
    expect(await handshake(server.port, { origin })).toBe(401);
  });

  it('takes a link once, for a cookie that no script can read and no other site can send', async () => {
    const { post, server } = await serve();
    const token = tokenOf(server.newLink());
    const first = await post(paths.signIn, { token });
    expect(first.headers.getSetCookie()).toEqual([
      expect.stringMatching(new RegExp(`^resgen-${server.port}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict$`)),
    ]);
    expect((await post(paths.signIn, { token })).status).toBe(401);
    for (const body of [{ token: 'x' }, { token: 7 }, {}, null, []]) expect((await post(paths.signIn, body)).status).toBe(401);
  });

  it('does not take a made-up cookie', async () => {
    const { post, server } = await serve();
    for (const cookie of [`resgen-${server.port}=abc`, `resgen-${server.port}=`, 'resgen=1']) {
      expect((await post('/api/app.info', null, { cookie })).status).toBe(401);
    }
  });
});

describe('wrong tokens', () => {
  it('are taken from one address only so often', async () => {
    const { post, server } = await serve();
    for (let i = 0; i < 20; i++) expect((await post(paths.signIn, { token: `guess ${i}` })).status).toBe(401);
    const refused = await post(paths.signIn, { token: tokenOf(server.newLink()) });
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({
      ok: false,
      error: { code: 'refused', message: expect.stringMatching(/Wait a minute/) as string },
    });
  });
});

describe('with a certificate', () => {
  it('speaks HTTPS alone, and its cookie goes over nothing else', async (context) => {
    const folder = temporaryFolder();
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    try {
      const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
      const type = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
      execFileSync('openssl', ['req', '-x509', ...type, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    } catch {
      context.skip('making a certificate needs openssl');
    }
    const test = openStudio();
    const tls = { key: readFileSync(key), cert: readFileSync(cert) };
    const server = await startServer({ studio: test.studio, rendererFolder: folder, host: '127.0.0.1', port: 0, tls });
    onTestFinished(() => server.close());
    const link = server.newLink();
    expect(link).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/#token=/);
    const { origin } = new URL(link);
    const signIn = (from: string): Promise<{ status: number | undefined; cookie: string }> =>
      new Promise((resolve, reject) => {
        const headers = { 'content-type': 'application/json', origin: from };
        const sent = httpsRequest(origin + paths.signIn, { method: 'POST', ca: tls.cert, headers }, (response) => {
          response.resume();
          resolve({ status: response.statusCode, cookie: response.headers['set-cookie']?.[0] ?? '' });
        });
        sent.on('error', reject).end(JSON.stringify({ token: tokenOf(link) }));
      });
    expect((await signIn(origin.replace('https', 'http'))).status).toBe(403);
    expect(await signIn(origin)).toMatchObject({ status: 200, cookie: expect.stringMatching(/; Secure/) as string });
    await expect(fetch(origin.replace('https', 'http'))).rejects.toThrow();
  });
});

describe('against pages of other sites', () => {
  it('answers only under its own names', async () => {
    const { server } = await serve();
    const { port } = server;
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]) expect(await statusWith(port, '/', { host })).toBe(200);
    for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1', `127.0.0.1.evil.example:${port}`, `127.0.0.1:${port + 1}`]) {
      expect(await statusWith(port, '/', { host })).toBe(403);
    }
  });

  it('refuses calls, pages and events for a foreign origin, also with the cookie', async () => {
    const { origin, post, server, signIn } = await serve();
    const { cookie, call } = await signIn();
    expect(await call('settings.get', null)).toMatchObject({ ok: true });
    for (const foreign of [
      'http://evil.example',
      'null',
      `https://127.0.0.1:${server.port}`,
      `http://127.0.0.1:${server.port + 1}`,
      `${origin}.evil.example`,
    ]) {
      expect((await post('/api/settings.get', null, { cookie, origin: foreign })).status).toBe(403);
      expect(await handshake(server.port, { cookie, origin: foreign })).toBe(403);
    }
    expect((await post('/api/settings.get', null, { cookie, origin })).status).toBe(200);
    expect(await handshake(server.port, { cookie, origin })).toBe(101);
  });

  it('takes no body that a form could send', async () => {
    const { origin, signIn } = await serve();
    const { cookie } = await signIn();
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const response = await fetch(`${origin}/api/settings.get`, {
        method: 'POST',
        headers: { cookie, 'content-type': type },
        body: 'null',
      });
      expect(response.status).toBe(415);
    }
  });

  it('sends its content policy with pages, answers and refusals', async () => {
    const { origin } = await serve();
    for (const path of ['/', '/api/nothing', '/assets/items/x/picture.png']) {
      const { headers } = await fetch(origin + path);
      expect(headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    }
  });
});

describe('a signed-in browser', () => {
  it('uses the studio as any client does, bytes included', async () => {
    const { signIn, test } = await serve();
    const { call, get } = await signIn();
    const job = await call('jobs.create', request({ count: 1 }));
    if (!job.ok) throw new Error(job.error.message);
    await test.ended(job.value.id);
    const list = await call('items.list', { limit: 5, before: null, kind: null, search: '' });
    const item = list.ok ? list.value.items[0] : undefined;
    if (!item) throw new Error('no item');

    const picture = await get(assets.picture(item.id));
    expect(picture.headers.get('content-type')).toBe('image/png');
    const bytes = new Uint8Array(await picture.arrayBuffer());
    expect(Buffer.from(bytes).equals(readFileSync(join(test.data, 'items', item.id, 'picture.png')))).toBe(true);
    expect(await call('recipe.read', { name: 'a.png', bytes })).toEqual({ ok: true, value: item.recipe });

    const part = await get(assets.picture(item.id), { range: 'bytes=1-3' });
    expect(part.status).toBe(206);
    expect(part.headers.get('content-range')).toBe(`bytes 1-3/${bytes.length}`);
    expect(await part.text()).toBe('PNG');

    const exported = await call('items.export', { ids: [item.id], format: 'jpeg' });
    expect(exported).toMatchObject({ ok: true, value: { name: 'Banana-42.jpg' } });
    const file = await get(exported.ok ? exported.value.url : '');
    expect(file.headers.get('content-type')).toBe('image/jpeg');
    expect((await file.arrayBuffer()).byteLength).toBe(exported.ok ? exported.value.bytes : -1);
  });

  it('opens token files, also large ones, and gets arrays and files back', async () => {
    const { signIn } = await serve();
    const { call, get } = await signIn();
    const npy = (L: number, D: number, codes: Int32Array): Uint8Array<ArrayBuffer> => new Uint8Array(writeNpy({ L, D, codes }));
    const codes = Int32Array.from({ length: 12 }, (_, n) => n % 8);
    const imported = await call('tokens.import', { name: 'mine.npy', bytes: npy(4, 3, codes), model: 'fake' });
    if (!imported.ok) throw new Error(imported.error.message);
    const sheet = await call('tokens.get', { id: imported.value.id });
    if (!sheet.ok) throw new Error(sheet.error.message);
    expect(new Int32Array(sheet.value.codes.slice().buffer)).toEqual(codes);

    const exported = await call('tokens.export', { id: imported.value.id, format: 'npy' });
    const file = await get(exported.ok ? exported.value.url : '');
    expect(readNpy(new Uint8Array(await file.arrayBuffer()))).toEqual({ L: 4, D: 3, codes });

    // Two MiB: refused for what it is and not for its size.
    const large = await call('tokens.import', { name: 'large.npy', bytes: npy(4096, 128, new Int32Array(4096 * 128)), model: 'fake' });
    expect(large).toMatchObject({ ok: false, error: { message: expect.stringContaining('[4, 3]') as string } });
  });

  it('gets sentences for what is wrong', async () => {
    const { signIn, post, origin } = await serve();
    const { call, cookie } = await signIn();
    expect(await call('jobs.create', request({ count: 0 }))).toMatchObject({
      ok: false,
      error: { code: 'bad-request', message: expect.stringContaining('Count must be at least 1') as string },
    });
    const notJson = await fetch(`${origin}/api/app.info`, {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json' },
      body: '{',
    });
    expect(notJson.status).toBe(400);
    expect(await notJson.json()).toMatchObject({ ok: false, error: { code: 'bad-request' } });
    expect((await post('/api/no.such', null, { cookie })).status).toBe(404);
    const large = await post('/api/settings.set', { lastModel: 'x'.repeat(2 << 20) }, { cookie });
    expect(large.status).toBe(413);
    expect(await large.json()).toMatchObject({ error: { message: 'The request is larger than 1 MiB. Ask for less at once.' } });
  });

  it('sees the same events as every other one', async () => {
    setEnvironment('FAKE_STEP_MS', '5');
    const { signIn, test } = await serve();
    const [a, b] = [await signIn(), await signIn()];
    const [seenByA, seenByB] = [await a.listen(), await b.listen()];
    const job = await a.call('jobs.create', request({ count: 2 }));
    if (!job.ok) throw new Error(job.error.message);
    await test.ended(job.value.id);
    await expect.poll(() => seenByB.filter((e) => e.name === 'job' && e.payload.state === 'done')).toHaveLength(1);
    await expect.poll(() => seenByA.length).toBe(seenByB.length);
    expect(seenByA).toEqual(seenByB);
    const progress = seenByA.find((e) => e.name === 'progress');
    expect(progress?.payload.previews[0]).toBeInstanceOf(Uint8Array);
    expect(seenByA.filter((e) => e.name === 'itemAdded')).toHaveLength(2);
  });
});

describe('paths that lead out', () => {
  it('are not served, however they are written', async () => {
    const { signIn, server, test } = await serve();
    const { cookie } = await signIn();
    writeFileSync(join(test.data, 'items', 'secret.png'), 'secret');
    const raw = (path: string): Promise<string> =>
      new Promise((resolve, reject) => {
        let answer = '';
        const socket = connect(server.port, '127.0.0.1', () =>
          socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`),
        );
        socket
          .on('data', (data) => (answer += String(data)))
          .on('end', () => resolve(answer))
          .on('error', reject);
      });
    for (const path of [
      '/assets/items/../../studio.db',
      '/assets/items/%2e%2e/studio.db',
      '/assets/items/..%2fstudio.db',
      '/assets/items/secret.png',
      '/assets/items/0123456789abcdef/..%2f..%2fstudio.db',
      '/assets/exports/..%2fstudio.db',
      '/assets/models/..%2f..%2fetc/thumbnails.webp',
      '/../package.json',
      '/%2e%2e/package.json',
      '/..%5cpackage.json',
    ]) {
      const answer = await raw(path);
      expect(answer.split('\r\n')[0], path).toMatch(/^HTTP\/1\.1 (400|401|403|404) /);
    }
  });
});

describe('the folders of the server', () => {
  it('are told to no browser, in no call, error or event', async () => {
    const { signIn, test } = await serve();
    const browser = await signIn();
    const events = await browser.listen();
    const info = await browser.call('app.info', null);
    expect(info).toMatchObject({ ok: true, value: { dataFolder: null, modelFolders: [], host: 'cli' } });
    const replies: unknown[] = [info, await browser.call('models.list', null), await browser.call('engine.status', null)];
    replies.push(await browser.call('models.card', { id: 'nothing' }));
    rmSync(join(test.data, 'models', 'fake', 'step.onnx'));
    replies.push(await browser.call('models.list', null), await browser.call('engine.probe', { model: 'fake' }));
    replies.push(await browser.call('jobs.create', request()));
    expect(replies).toContainEqual(expect.objectContaining({ value: [expect.objectContaining({ folder: 'models/fake' })] }));
    expect(toJson(replies)).not.toContain(test.data);
    expect(toJson(events)).not.toContain(test.data);
    // Whoever has the studio itself still reads them.
    expect((await test.ask('app.info', null)).dataFolder).toBe(test.data);
  });
});
