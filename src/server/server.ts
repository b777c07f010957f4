import type { Socket } from 'node:net';
import { basename, dirname } from 'node:path';
import cookie from '@fastify/cookie';
import fastifyStatic from '@fastify/static';
import websocket from '@fastify/websocket';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import {
  type CallName,
  FILE_LIMITS,
  LIMITS,
  type Reply,
  StudioError,
  type WireError,
  calls,
  formatBytes,
  fromJson,
  numbers,
  paths,
  toJson,
} from '../contract/index.js';
import type { Studio } from '../studio/index.js';
import { EventStream } from './event-stream.js';
import { Failures } from './failures.js';
import { Gate, isLoopback } from './gate.js';
import { type KeyProblem, addOpenAiRoutes } from './openai.js';
import { openApi } from './openapi.js';
import { withoutFolders } from './without-folders.js';

export { isLoopback };

export interface ServerOptions {
  studio: Studio;
  /** Folder of the built renderer. */
  rendererFolder: string;
  host: string;
  /** 0 for any free one. */
  port: number;
  /** PEM of a certificate and its key: pages and calls then go over HTTPS alone. */
  tls?: { cert: Buffer; key: Buffer };
  /** What programs send as a bearer token instead of signing in. */
  apiKey?: string;
  /** Told after each sign-in, when the link that was used is spent. */
  onSignIn?: () => void;
}

export interface RunningServer {
  port: number;
  /** A link that signs in one browser, once. */
  newLink(): string;
  /** The studio stays open; it is the caller's. */
  close(): Promise<void>;
}

/** Calls that carry files, or codes for thousands of tokens. */
const UPLOADS: ReadonlySet<string> = new Set<CallName>([
  'items.import',
  'recipe.read',
  'tokens.import',
  'tokens.edit',
  'voices.open',
  'voices.check',
  'voices.add',
]);
const SERVER_LIMITS = numbers(LIMITS.server);
/** An upload as base64 in JSON, with room for its name. */
const UPLOAD_BODY = Math.ceil((FILE_LIMITS.uploadBytes * 4) / 3) + SERVER_LIMITS.nameBytes;

const NOT_SIGNED_IN: KeyProblem = {
  status: 401,
  message: 'This browser is not signed in. Open the link that the studio printed in its terminal.',
};
const NO_KEY_SET = 'This studio was started without an API key. Start it with --api to let programs in.';
const TOO_MANY = 'Too many wrong tokens came from this address. Wait a minute, then use the newest one that the studio printed.';

const HEADERS = {
  // Svelte writes style attributes into its templates; they can't load or run anything.
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' blob: data:; media-src 'self' blob:; " +
    "font-src 'self'; worker-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

/** @throws StudioError `refused` where the address can't be listened on */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { rendererFolder, host, port, tls, apiKey, onSignIn } = options;
  const studio = await withoutFolders(options.studio);
  const limits = { bodyLimit: SERVER_LIMITS.bodyBytes, requestTimeout: SERVER_LIMITS.requestMs };
  // One type for both: fastify's own differ by the kind of server, which nothing here looks at.
  const app: FastifyInstance = tls ? (fastify({ ...limits, https: tls }) as unknown as FastifyInstance) : fastify(limits);
  const scheme = tls ? 'https' : 'http';
  const connections = new Set<Socket>();
  app.server.on('connection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  const gate = new Gate(scheme, apiKey ?? null);
  const failures = new Failures();
  // Cookies know no ports: without it, two servers on one machine would sign each other's browsers out.
  const cookieName = (): string => `resgen-${listeningPort(app)}`;
  const isSignedIn = (request: FastifyRequest): boolean => gate.isSignedIn(request.cookies[cookieName()]);
  /** Null where the request may go on. */
  const keyProblem = (request: FastifyRequest): KeyProblem | null => {
    if (failures.tooMany(request.ip)) return { status: 429, message: TOO_MANY };
    if (gate.hasKey(request.headers.authorization)) return null;
    failures.add(request.ip);
    return { status: 401, message: apiKey === undefined ? NO_KEY_SET : 'This API key is not the one that the studio printed.' };
  };
  const signedInOnly = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (isSignedIn(request)) return;
    const problem = request.headers.authorization === undefined ? NOT_SIGNED_IN : keyProblem(request);
    if (problem) await refuse(reply, problem.status, problem.message);
  };

  app.addHook('onRequest', async (request, reply) => {
    reply.headers(HEADERS);
    if (!gate.isOwnHost(request.headers.host))
      await refuse(reply, 403, 'The studio does not answer under this name. Open the link that it printed.');
    else if (!gate.isOwnOrigin(request.headers.origin)) await refuse(reply, 403, 'The studio does not answer pages of other sites.');
  });

  readAndWriteOurJson(app);
  await app.register(cookie);
  await app.register(websocket, { options: { maxPayload: 1024 } });
  await app.register(fastifyStatic, { root: rendererFolder, cacheControl: false });

  app.post(paths.signIn, async (request, reply) => {
    if (failures.tooMany(request.ip)) return refuse(reply, 429, TOO_MANY);
    const { body } = request;
    const session = gate.signIn(typeof body === 'object' && body !== null && 'token' in body ? body.token : undefined);
    if (session === null) {
      failures.add(request.ip);
      return refuse(reply, 401, 'This link was used already, or is of another run of the studio. Open the newest link that it printed.');
    }
    onSignIn?.();
    const secure = tls !== undefined;
    return reply
      .setCookie(cookieName(), session, { httpOnly: true, sameSite: 'strict', path: '/', secure })
      .send({ ok: true, value: null });
  });

  for (const name of Object.keys(calls) as CallName[]) {
    app.post(
      paths.api + name,
      { onRequest: signedInOnly, bodyLimit: UPLOADS.has(name) ? UPLOAD_BODY : SERVER_LIMITS.bodyBytes },
      (request) =>
        // The studio checks what came against the schema of the call.
        studio.call(name, request.body as never),
    );
  }

  const document = openApi();
  app.get('/openapi.json', () => document);
  addOpenAiRoutes(app, studio, keyProblem);

  const events = new EventStream(studio);
  app.get(paths.events, { onRequest: signedInOnly, websocket: true }, (socket) => events.add(socket));

  app.get(`${paths.assets}*`, async (request, reply) => {
    const path = new URL(request.url, 'http://localhost').pathname;
    // Vite puts the renderer's own scripts and styles under this path too, and they come before the sign-in.
    if (!/^\/assets\/(?:items|models|exports|voices|takes)\//.test(path)) return reply.sendFile(path);
    const problem = isSignedIn(request) ? null : request.headers.authorization === undefined ? NOT_SIGNED_IN : keyProblem(request);
    if (problem) return refuse(reply, problem.status, problem.message);
    const asset = await studio.asset(path);
    if (!asset) return refuse(reply, 404, 'There is no such file.', 'not-found');
    return reply.header('cache-control', 'private, no-cache').type(asset.contentType).sendFile(basename(asset.file), dirname(asset.file));
  });

  await listen(app, host, port);
  gate.open(host, listeningPort(app));
  return {
    port: listeningPort(app),
    newLink: () => `${scheme}://${linkHost(host)}:${listeningPort(app)}/#token=${gate.newToken()}`,
    close: async () => {
      events.close();
      // Node's own way to close them leaves out those that asked to become WebSockets.
      for (const socket of connections) socket.destroy();
      await app.close();
    },
  };
}

/** Bodies and answers in the contract's JSON, which knows bytes; every error as a `Reply`. No other kind of body is taken. */
function readAndWriteOurJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, fromJson(String(body)));
    } catch (cause) {
      done(Object.assign(new StudioError('bad-request', 'The request is not JSON. Reload the page.', { cause }), { statusCode: 400 }));
    }
  });
  app.setReplySerializer((payload) => toJson(payload));
  app.setNotFoundHandler((_request, reply) => refuse(reply, 404, 'There is nothing at this address.', 'not-found'));
  app.setErrorHandler((error: FastifyError | StudioError, request, reply) => {
    const status = 'statusCode' in error ? (error.statusCode ?? 500) : 500;
    if (status === 413) {
      const uploads = request.routeOptions.bodyLimit === UPLOAD_BODY;
      const most = formatBytes(uploads ? FILE_LIMITS.uploadBytes : SERVER_LIMITS.bodyBytes);
      const message = uploads
        ? `The upload is larger than ${most}. Choose a smaller file.`
        : `The request is larger than ${most}. Ask for less at once.`;
      return refuse(reply, status, message, 'bad-request');
    }
    return refuse(reply, status, error.message, status < 500 ? 'bad-request' : 'internal');
  });
}

function refuse(reply: FastifyReply, status: number, message: string, code: WireError['code'] = 'refused'): FastifyReply {
  const body: Reply<never> = { ok: false, error: { code, message } };
  return reply.code(status).type('application/json; charset=utf-8').send(body);
}

async function listen(app: FastifyInstance, host: string, port: number): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    await app.close();
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    const why = code === 'EADDRINUSE' ? `port ${port} is in use` : code;
    throw new StudioError(
      'refused',
      `The studio can't listen on ${host}:${port} (${why}). Choose another one with --port, or --port 0 for any free one.`,
      { cause },
    );
  }
}

function listeningPort(app: FastifyInstance): number {
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** An address that a browser can open: 0.0.0.0 and :: only say where to listen. */
function linkHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
