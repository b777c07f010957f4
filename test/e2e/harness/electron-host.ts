import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { _electron, type ElectronApplication, type Page } from '@playwright/test';
import { projectRoot, type Host } from './host.js';
import { killTree } from './processes.js';
import type { UserData } from './user-data.js';

const CLOSE_MS = 30_000;

export class ElectronHost implements Host {
  private constructor(
    readonly app: ElectronApplication,
    readonly page: Page,
    readonly data: UserData,
  ) {}

  /** @param args of Chromium, besides those that every test has */
  static async open(data: UserData, args: readonly string[] = []): Promise<ElectronHost> {
    const app = await _electron.launch({
      args: [projectRoot, '--disable-gpu', `--user-data-dir=${data.folder}`, ...args],
      env: { ...(process.env as Record<string, string>), RESGEN_MODELS: data.models },
    });
    try {
      const page = await app.firstWindow();
      // The window comes before the studio is open, and while that is being loaded what is asked of the main process may be garbage collected.
      await page.waitForFunction(async () => (await window.studio?.call('app.info', null))?.ok);
      // A question that nobody can answer would hold up the end of a test.
      await app.evaluate(({ dialog }) => {
        dialog.showMessageBox = () => Promise.resolve({ response: 0, checkboxChecked: false });
      });
      return new ElectronHost(app, page, data);
    } catch (error) {
      // It shows why in a dialog, and would wait for an answer for ever.
      app.process().kill('SIGKILL');
      throw error;
    }
  }

  get pid(): number {
    const { pid } = this.app.process();
    if (pid === undefined) throw new Error('Electron has no process id: it is not running.');
    return pid;
  }

  /** Answers the system's save dialog, which a test can't see, with a file in the user data. */
  async download(click: () => Promise<void>): Promise<{ name: string; bytes: Buffer }> {
    const saved = this.app.evaluate(
      ({ session }, folder) =>
        new Promise<string>((resolve, reject) => {
          session.defaultSession.once('will-download', (_event, item) => {
            const file = `${folder}/${item.getFilename()}`;
            item.setSavePath(file);
            item.once('done', (_done, state) =>
              state === 'completed' ? resolve(file) : reject(new Error(`The download ended as ${state}.`)),
            );
          });
        }),
      this.data.folder,
    );
    await click();
    const file = await saved;
    return { name: path.basename(file), bytes: await readFile(file) };
  }

  async kill(): Promise<void> {
    await killTree(this.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Now and then Playwright waits for ever for an app that has long ended or is about to. That it ends in order is what the packed app's test asks.
    const closed = this.app.close();
    const late = AbortSignal.timeout(CLOSE_MS);
    const waited = new Promise<'late'>((done) => late.addEventListener('abort', () => done('late')));
    if ((await Promise.race([closed, waited])) !== 'late') return;
    console.log('The app had not closed after 30 s, and was killed.');
    await this.kill();
    await closed.catch(() => undefined);
  }
}
