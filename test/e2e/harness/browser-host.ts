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
  private constructor(
    readonly server: ChildProcess,
    readonly page: Page,
  ) {}

  /** @param microphone whether the person has let pages use it */
  static async open(data: UserData, browser: Browser, microphone: boolean): Promise<BrowserHost> {
    const server = spawn(process.execPath, [path.join(projectRoot, 'out', 'main', 'cli.js'), 'serve', '--port', '0'], {
      env: { ...process.env, RESGEN_MODELS: data.models, RESGEN_DATA: data.studio },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const link = await findLink(server);
    const permissions = microphone ? ['microphone'] : [];
    const context = await browser.newContext({ acceptDownloads: true, permissions, viewport: { width: 1180, height: 820 } });
    const page = await context.newPage();
    await page.goto(link);
    return new BrowserHost(server, page);
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
    await this.page.context().close();
    if (this.server.exitCode !== null || this.server.signalCode !== null) return;
    const exited = once(this.server, 'exit');
    this.server.kill('SIGTERM');
    await exited;
  }
}

/** Reads what the server prints until its link comes; fails with all of it where none does. */
async function findLink(server: ChildProcess): Promise<string> {
  const printed: string[] = [];
  const link = new Promise<string>((resolve, reject) => {
    for (const stream of [server.stdout, server.stderr]) {
      if (!stream) continue;
      createInterface(stream).on('line', (line) => {
        printed.push(line);
        const match = /http:\/\/\S+#token=\S+/.exec(line);
        if (match) resolve(match[0]);
      });
    }
    server.once('exit', (code) => reject(new Error(`\`resgen serve\` ended with code ${code}:\n${printed.join('\n')}`)));
  });
  return link;
}
