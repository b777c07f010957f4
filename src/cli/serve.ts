import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import open from 'open';
import { StudioError } from '../contract/index.js';
import { type RunningServer, type ServerOptions, isLoopback, startServer } from '../server/index.js';
import type { Studio } from '../studio/index.js';
import { type Host, ask, openLibrary } from './host.js';
import { exitCodes, note, printResult } from './output.js';

/** Tried first, so that a bookmark goes on working. */
const DEFAULT_PORT = 4747;

export interface ServeOptions {
  host: string;
  port?: number;
  open: boolean;
  allowRemote: boolean;
  api: boolean;
  tlsCert?: string;
  tlsKey?: string;
}

/** Shorter ones could be guessed. */
const MIN_KEY = 24;

/** `resgen serve`: the studio in a browser until Ctrl-C. */
export async function serve(host: Host, options: ServeOptions): Promise<number> {
  if (!isLoopback(options.host)) warnOrRefuse(options);
  const rendererFolder = join(host.builtFolder, '..', 'renderer');
  if (!existsSync(join(rendererFolder, 'index.html'))) {
    throw new StudioError('internal', `The studio's pages are missing from ${rendererFolder}. Run “npm run build” first.`);
  }
  const tls = await readTls(options);
  const apiKey = options.api ? apiKeyOf(process.env['RESGEN_API_KEY']) : undefined;
  const studio = openLibrary(host, 'browser');
  try {
    const server = await start({
      studio,
      rendererFolder,
      host: options.host,
      port: options.port,
      ...(tls && { tls }),
      ...(apiKey !== undefined && { apiKey }),
      onSignIn: () => note(`For another browser, open ${server.newLink()}`),
    });
    const link = server.newLink();
    printResult(false, {}, `ResGen Studio is at ${link}\nThe link works once. Ctrl-C ends the studio.`);
    await tellFolders(studio);
    if (apiKey !== undefined) {
      const { origin } = new URL(link);
      note(
        `Programs: base URL ${origin}/v1, API key ${process.env['RESGEN_API_KEY'] ? 'that of RESGEN_API_KEY' : apiKey}; ${origin}/openapi.json`,
      );
    }
    if (options.open) await openBrowser(link);
    await interrupted();
    await server.close();
    return exitCodes.done;
  } finally {
    await studio.close();
  }
}

/** Here and not in the browser, which may be on another machine. */
async function tellFolders(studio: Studio): Promise<void> {
  const { dataFolder, modelFolders } = await ask(studio, 'app.info', null);
  note(`Library: ${dataFolder}; models: ${modelFolders.join(', ')}`);
}

function apiKeyOf(given: string | undefined): string {
  if (given === undefined || given === '') return randomBytes(24).toString('base64url');
  if (given.length >= MIN_KEY && /^[\x21-\x7e]+$/.test(given)) return given;
  throw new StudioError(
    'bad-request',
    `RESGEN_API_KEY must have at least ${MIN_KEY} printable characters without spaces. Leave it out for a random one.`,
  );
}

async function readTls({ tlsCert, tlsKey }: ServeOptions): Promise<ServerOptions['tls'] | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new StudioError('bad-request', 'A certificate and its key go together. Give both --tls-cert and --tls-key, or neither.');
  }
  const read = (file: string): Promise<Buffer> =>
    readFile(file).catch((cause: unknown) => {
      throw new StudioError('bad-request', `${file} can't be read. Check its name and its permissions.`, { cause });
    });
  const tls = { cert: await read(tlsCert), key: await read(tlsKey) };
  try {
    // What the server would do later, and then with a trace for a person to read.
    createSecureContext(tls);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const advice = 'Give a certificate and the key that belongs to it, both as PEM files.';
    throw new StudioError('bad-request', `The certificate or its key can't be used (${why}). ${advice}`, { cause });
  }
  return tls;
}

function warnOrRefuse({ host, allowRemote, tlsCert }: ServeOptions): void {
  const what = `Listening on ${host} lets other machines reach this studio${tlsCert === undefined ? ', unencrypted' : ''}`;
  if (!allowRemote) throw new StudioError('bad-request', `${what}. Add --allow-remote if that is what you want, or leave --host out.`);
  note(`Warning: ${what}. Whoever has the link can use it and see its pictures; use it in a network you trust.`);
}

async function start({ port, ...options }: Omit<ServerOptions, 'port'> & { port: number | undefined }): Promise<RunningServer> {
  if (port !== undefined) return startServer({ ...options, port });
  try {
    return await startServer({ ...options, port: DEFAULT_PORT });
  } catch (error) {
    if (!(error instanceof StudioError) || error.code !== 'refused') throw error;
    return startServer({ ...options, port: 0 });
  }
}

/** The link is printed anyway, so a machine without a browser is no error. */
async function openBrowser(link: string): Promise<void> {
  try {
    const browser = await open(link);
    browser.on('error', () => undefined);
  } catch {
    // See above.
  }
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
}
