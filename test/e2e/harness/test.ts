import { test as base, chromium, type Browser } from '@playwright/test';
import { BrowserHost } from './browser-host.js';
import { ElectronHost } from './electron-host.js';
import type { Host } from './host.js';
import { StudioPage } from './studio-page.js';
import { UserData } from './user-data.js';

export interface HostOptions {
  host: 'electron' | 'browser';
  /** A WAV file that is heard, again and again, by whoever opens the microphone; with null there is only what the machine has. */
  microphone: string | null;
}

interface Fixtures {
  /** A folder of this test alone. */
  data: UserData;
  /** Starts a studio on the test's data; a second call starts it again after the first is gone. */
  launch: () => Promise<StudioPage>;
  /** A studio that is open already, for tests that need only one. */
  studio: StudioPage;
}

interface WorkerFixtures extends HostOptions {
  chromiumBrowser: Browser | null;
}

/** Debian's own Chromium; elsewhere the one that Playwright installed. */
const CHROMIUM = process.platform === 'linux' ? { executablePath: '/usr/bin/chromium' } : {};

/** Leaves the question for permission as it is: Electron's is answered by the studio. */
const microphoneArgs = (file: string | null): string[] =>
  file === null ? [] : ['--use-fake-device-for-media-stream', `--use-file-for-fake-audio-capture=${file}`];

export const test = base.extend<Fixtures, WorkerFixtures>({
  host: ['electron', { option: true, scope: 'worker' }],
  microphone: [null, { option: true, scope: 'worker' }],

  chromiumBrowser: [
    async ({ host, microphone }, use) => {
      if (host === 'electron') return use(null);
      const browser = await chromium.launch({ ...CHROMIUM, chromiumSandbox: process.getuid?.() !== 0, args: microphoneArgs(microphone) });
      await use(browser);
      await browser.close();
    },
    { scope: 'worker' },
  ],

  data: async ({}, use) => {
    await using data = await UserData.create();
    await use(data);
  },

  launch: async ({ data, microphone, chromiumBrowser }, use) => {
    const open: Host[] = [];
    await use(async () => {
      const host = chromiumBrowser
        ? await BrowserHost.open(data, chromiumBrowser, microphone !== null)
        : await ElectronHost.open(data, microphoneArgs(microphone));
      open.push(host);
      return new StudioPage(host);
    });
    for (const host of open) await host[Symbol.asyncDispose]();
  },

  studio: async ({ launch }, use) => use(await launch()),
});

export { expect } from '@playwright/test';
