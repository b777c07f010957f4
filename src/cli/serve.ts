import { existsSync } from 'node:fs';
import { join } from 'node:path';
import open from 'open';
import { StudioError } from '../contract/index.js';
import { type RunningServer, type ServerOptions, isLoopback, startServer } from '../server/index.js';
import { type Host, openLibrary } from './host.js';
import { exitCodes, note, printResult } from './output.js';

/** Tried first, so that a bookmark goes on working. */
const DEFAULT_PORT = 4747;

export interface ServeOptions {
  host: string;
  port?: number;
  open: boolean;
  allowRemote: boolean;
}

/** `resgen serve`: the studio in a browser until Ctrl-C. */
export async function serve(host: Host, options: ServeOptions): Promise<number> {
  if (!isLoopback(options.host)) warnOrRefuse(options);
  const rendererFolder = join(host.builtFolder, '..', 'renderer');
  if (!existsSync(join(rendererFolder, 'index.html'))) {
    throw new StudioError('internal', `The studio's pages are missing from ${rendererFolder}. Run “npm run build” first.`);
  }
  const studio = openLibrary(host, 'browser');
  try {
    const server = await start({
      studio,
      rendererFolder,
      host: options.host,
      port: options.port,
      onSignIn: () => note(`For another browser, open ${server.newLink()}`),
    });
    const link = server.newLink();
    printResult(false, {}, `ResGen Studio is at ${link}\nThe link works once. Ctrl-C ends the studio.`);
    if (options.open) await openBrowser(link);
    await interrupted();
    await server.close();
    return exitCodes.done;
  } finally {
    await studio.close();
  }
}

function warnOrRefuse({ host, allowRemote }: ServeOptions): void {
  const what = `Listening on ${host} lets other machines reach this studio, unencrypted`;
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
