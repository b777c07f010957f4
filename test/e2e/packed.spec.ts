import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { FuseV1Options, getCurrentFuseWire } from '@electron/fuses';
import { listPackage } from '@electron/asar';
import { type Browser, chromium, expect, test } from '@playwright/test';
import { projectRoot } from './harness/host.js';

/**
 * The folder that `npm run dist:dir` has packed. Its fuses let nobody attach a debugger to the main process, so Playwright comes in where
 * only the page can be reached: Chromium's own remote debugging.
 */
const folder = path.join(projectRoot, 'dist', 'linux-unpacked');
const executable = path.join(folder, 'resgen-studio');
const resources = path.join(folder, 'resources');

const MB = 1e6;
/** Without models. */
const SIZE_LIMIT = 350 * MB;
/** The aim is 2 s on a machine that does nothing else; tests share theirs. */
const START_LIMIT_MS = 20_000;

test.describe.configure({ mode: 'serial', timeout: 240_000 });

test('its fuses are set', async () => {
  const wire = await getCurrentFuseWire(executable);
  // The wire holds a digit for each.
  const state = (fuse: FuseV1Options): string | undefined => ({ 48: 'DISABLE', 49: 'ENABLE' })[Number(wire[fuse])];
  expect(state(FuseV1Options.RunAsNode)).toBe('DISABLE');
  expect(state(FuseV1Options.EnableNodeOptionsEnvironmentVariable)).toBe('DISABLE');
  expect(state(FuseV1Options.EnableNodeCliInspectArguments)).toBe('DISABLE');
  expect(state(FuseV1Options.EnableEmbeddedAsarIntegrityValidation)).toBe('ENABLE');
  expect(state(FuseV1Options.OnlyLoadAppFromAsar)).toBe('ENABLE');
  expect(state(FuseV1Options.GrantFileProtocolExtraPrivileges)).toBe('DISABLE');
});

test('holds what it needs for this platform and nothing of others, and is not too large', () => {
  const runtimes = path.join(resources, 'app.asar.unpacked', 'node_modules', 'onnxruntime-node', 'bin', 'napi-v6');
  expect(readdirSync(runtimes)).toEqual(['linux']);
  expect(readdirSync(path.join(runtimes, 'linux'))).toEqual([process.arch]);
  expect(readdirSync(path.join(resources, 'app.asar.unpacked', 'node_modules', '@libsql'))).toEqual([`linux-${process.arch}-gnu`]);
  expect(readdirSync(path.join(resources, 'models'))).toContain('fruits');
  const packed = listPackage(path.join(resources, 'app.asar'), { isPack: false });
  expect(packed).toContain('/out/main/licences.json');
  expect(packed).toContain('/out/renderer/index.html');
  expect(packed.filter((file) => /^\/(src|test|training)\//.test(file))).toEqual([]);
  const [size, models] = [sizeOf(folder), sizeOf(path.join(resources, 'models'))];
  test.info().annotations.push({ type: 'size', description: `${Math.round((size - models) / MB)} MB` });
  console.log(`packed app: ${Math.round((size - models) / MB)} MB, and ${Math.round(models / MB)} MB of models`);
  expect(size - models).toBeLessThan(SIZE_LIMIT);
});

test('starts, makes a picture with the model that ships, keeps it, shows its licences and ends in order', async () => {
  const data = await mkdtemp(path.join(os.tmpdir(), 'resgen-packed-'));
  const app = await PackedApp.start(data);
  try {
    console.log(`packed app: window in ${(app.windowMs / 1000).toFixed(1)} s`);
    expect(app.windowMs).toBeLessThan(START_LIMIT_MS);
    const { page } = app;
    await expect(page.getByRole('heading', { name: 'Welcome to ResGen Studio' })).toBeVisible();
    expect(await page.evaluate(() => ({ origin: location.origin, node: 'process' in window || 'require' in window }))).toEqual({
      origin: 'studio://app',
      node: false,
    });

    await page.getByRole('radiogroup', { name: 'Quality' }).getByText('Fast').click();
    await page.getByRole('listbox', { name: 'Classes' }).getByRole('option').first().click();
    await page.getByRole('spinbutton', { name: 'Count', exact: true }).fill('1');
    await page.getByRole('button', { name: /^Generate/ }).click();
    const pictures = page.getByRole('listbox', { name: 'Pictures' }).getByRole('option');
    await expect(pictures).toHaveCount(1, { timeout: 60_000 });
    await expect.poll(() => pictures.locator('img').evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);

    await page.getByRole('link', { name: 'Settings', exact: true }).click();
    await page.getByText('Licences of all parts').click();
    await page.getByRole('button', { name: /^electron / }).click();
    await expect(page.getByLabel('Licence of electron', { exact: true })).toContainText('MIT');
  } finally {
    expect(await app.end()).toBe(0);
  }
  expect(await readFile(path.join(data, 'studio', 'logs', 'studio.log'), 'utf8')).toMatch(/studio closed\n$/);

  const again = await PackedApp.start(data);
  await expect(again.page.getByRole('listbox', { name: 'Pictures' }).getByRole('option')).toHaveCount(1);
  expect(await again.end()).toBe(0);
  await rm(data, { recursive: true, force: true, maxRetries: 5 });
});

class PackedApp {
  private constructor(
    private readonly child: ChildProcess,
    private readonly browser: Browser,
    readonly page: import('@playwright/test').Page,
    /** From the start of the process to a page that is drawn. */
    readonly windowMs: number,
  ) {}

  static async start(userData: string): Promise<PackedApp> {
    const started = performance.now();
    // What would turn another Electron into a Node, or let it be looked into.
    const env = { ...process.env, ELECTRON_RUN_AS_NODE: '1', NODE_OPTIONS: '--inspect=0' };
    const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    const child = spawn(executable, [...sandbox, '--disable-gpu', '--remote-debugging-port=0', `--user-data-dir=${userData}`], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    try {
      const browser = await connect(await debuggingAddress(child));
      const [context] = browser.contexts();
      const page = context?.pages()[0] ?? (await context?.waitForEvent('page'));
      if (!page) throw new Error('The packed app has no window.');
      await expect(page.getByRole('link', { name: 'Settings', exact: true })).toBeVisible({ timeout: 60_000 });
      return new PackedApp(child, browser, page, performance.now() - started);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  /** As a desktop does when it ends. @returns its exit code */
  async end(): Promise<number | null> {
    await this.browser.close();
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const [code] = (await exited) as [number | null];
    return code;
  }
}

/** Once the window has its page: one that opens while Playwright connects may keep it waiting for ever. */
async function connect(address: string): Promise<Browser> {
  const list = new URL('/json/list', address.replace('ws:', 'http:'));
  await expect
    .poll(async () => (await (await fetch(list)).json()) as unknown, { timeout: 60_000, intervals: [100] })
    .toContainEqual(expect.objectContaining({ type: 'page', url: expect.stringMatching(/^studio:/) as unknown }));
  return chromium.connectOverCDP(address, { timeout: 80_000 });
}

/** Reads on to the end: a process whose stderr nobody takes would stop at some point. */
function debuggingAddress(child: ChildProcess): Promise<string> {
  const said: string[] = [];
  return new Promise((found, failed) => {
    if (!child.stderr) return failed(new Error('The packed app has no stderr.'));
    createInterface(child.stderr).on('line', (line) => {
      said.push(line);
      const address = /^DevTools listening on (ws:\S+)$/.exec(line)?.[1];
      if (address) found(address);
    });
    child.once('exit', () => failed(new Error(`The packed app ended without a window:\n${said.join('\n')}`)));
  });
}

function sizeOf(place: string): number {
  const info = statSync(place);
  if (!info.isDirectory()) return info.size;
  return readdirSync(place).reduce((sum, name) => sum + sizeOf(path.join(place, name)), 0);
}
