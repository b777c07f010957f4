import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Browser, Page } from '@playwright/test';
import { projectRoot, type Host } from './host.js';
import { killTree } from './processes.js';
import type { UserData } from './user-data.js';

/** `resgen serve` and a page of Chromium that signed in with its link. */
export class BrowserHost implements Host {
  readonly #others: Page[] = [];

  private constructor(
    readonly server: ChildProcess,
    private readonly links: Links,
    readonly page: Page,
  ) {}

  /** @param microphone whether the person has let pages use it */
  static async open(data: UserData, browser: Browser, microphone: boolean): Promise<BrowserHost> {
    const server = spawn(process.execPath, [path.join(projectRoot, 'out', 'main', 'cli.js'), 'serve', '--port', '0'], {
      env: { ...process.env, RESGEN_MODELS: data.models, RESGEN_DATA: data.studio },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const links = new Links(server);
    return new BrowserHost(server, links, await signIn(browser, await links.next(), microphone ? ['microphone'] : []));
  }

  /** A page of another browser, with cookies of its own, that signs in with the next link that the server prints. */
  async another(): Promise<Page> {
    const browser = this.page.context().browser();
    if (!browser) throw new Error('The browser is gone.');
    const page = await signIn(browser, await this.links.next());
    this.#others.push(page);
    return page;
  }

  get pid(): number {
    if (this.server.pid === undefined) throw new Error('The server has no process id: it is not running.');
    return this.server.pid;
  }

  async download(click: () => Promise<void>): Promise<{ name: string; bytes: Buffer }> {
    const started = this.page.waitForEvent('download');
    await click();
    const download = await started;
    return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
  }

  async kill(): Promise<void> {
    await this.page.context().close();
    await killTree(this.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const page of [...this.#others, this.page]) await page.context().close();
    if (this.server.exitCode !== null || this.server.signalCode !== null) return;
    const exited = once(this.server, 'exit');
    this.server.kill('SIGTERM');
    await exited;
  }
}

async function signIn(browser: Browser, link: string, permissions: string[] = []): Promise<Page> {
  const context = await browser.newContext({ acceptDownloads: true, permissions, viewport: { width: 1180, height: 820 } });
  const page = await context.newPage();
  await page.goto(link);
  return page;
}

/** The links that a server prints, each of which signs in one browser. */
class Links {
  readonly #found: string[] = [];
  readonly #printed: string[] = [];
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(server: ChildProcess) {
    for (const stream of [server.stdout, server.stderr]) {
      if (!stream) continue;
      createInterface(stream).on('line', (line) => {
        this.#printed.push(line);
        const match = /http:\/\/\S+#token=\S+/.exec(line);
        if (match) this.#found.push(match[0]);
        this.#wake();
      });
    }
    server.once('exit', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** @throws Error with all that was printed, where the server ends without another one */
  async next(): Promise<string> {
    for (;;) {
      const link = this.#found.shift();
      if (link !== undefined) return link;
      if (this.#ended) throw new Error(`\`resgen serve\` ended:\n${this.#printed.join('\n')}`);
      await new Promise<void>((wake) => (this.#wake = wake));
    }
  }
}
