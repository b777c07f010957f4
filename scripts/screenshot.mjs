/**
 * `xvfb-run -a node scripts/screenshot.mjs [out.png|out.webp] [light|dark] [width] [height] [tool]`: the real window after twelve pictures of
 * the shipped model. The Images page, as the README shows it, or with a tool (Depth, Replay, Codebook, Compare) the inspector at that tab,
 * as docs/inspector.md does.
 */
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { _electron } from '@playwright/test';
import sharp from 'sharp';
import { buildIfStale } from './lib/build.mjs';
import { installedElectron } from './lib/electron.mjs';
import { root } from './lib/project.mjs';
import { ensureTestElectron } from './test-electron.mjs';

const [out = 'docs/screenshot.png', theme = 'light', width = '1440', height = '900', tool] = process.argv.slice(2);
if (theme !== 'light' && theme !== 'dark') throw new Error(`The theme is "light" or "dark", not "${theme}".`);

buildIfStale();
process.env.ELECTRON_OVERRIDE_DIST_PATH = installedElectron() ?? (await ensureTestElectron());
const userData = await mkdtemp(path.join(os.tmpdir(), 'resgen-screenshot-'));
const app = await _electron.launch({ args: [root, '--no-sandbox', '--disable-gpu', `--user-data-dir=${userData}`] });
try {
  const page = await app.firstWindow();
  await app.evaluate(({ BrowserWindow }, { w, h }) => BrowserWindow.getAllWindows()[0]?.setContentSize(w, h), {
    w: Number(width),
    h: Number(height),
  });
  await page.evaluate(generate, theme);
  if (tool) await inspect(page, tool);
  await page.waitForTimeout(1000);
  await mkdir(path.dirname(out), { recursive: true });
  const picture = await page.screenshot();
  await writeFile(out, out.endsWith('.webp') ? await sharp(picture).webp({ quality: 88 }).toBuffer() : picture);
} finally {
  await app.close();
  await rm(userData, { recursive: true, force: true, maxRetries: 5 });
}

/** Runs in the page; ends when the job has ended. @param {string} wantedTheme */
async function generate(wantedTheme) {
  const { studio } = window;
  if (!studio) throw new Error('The page has no bridge.');
  await studio.call('settings.set', { theme: wantedTheme === 'dark' ? 'dark' : 'light' });
  const models = await studio.call('models.list', null);
  const manifest = models.ok ? models.value.find((m) => m.manifest?.files.step)?.manifest : undefined;
  const preset = manifest?.presets.find((p) => p.id === manifest.defaultPreset);
  if (!manifest || !preset) throw new Error('No model here can generate.');
  const classes = Array.from({ length: 6 }, (_, i) => manifest.classes[Math.floor((i * manifest.classes.length) / 6)] ?? '');
  /** @type {Promise<void>} */
  const ended = new Promise((resolve) => {
    studio.subscribe((event) => {
      if (event.name === 'job' && event.payload.endedAt !== null) resolve();
    });
  });
  await studio.call('jobs.create', { model: manifest.id, classes, count: 2, seed: 7, sampling: preset.sampling, batch: 4 });
  await ended;
}

/**
 * Opens the newest picture in the inspector, with what makes a tool worth looking at.
 * @param {import('@playwright/test').Page} page
 * @param {string} tool
 */
async function inspect(page, tool) {
  await page.getByRole('link', { name: 'Inspect', exact: true }).click();
  await page.getByRole('list', { name: 'Recent items' }).getByRole('link').first().click();
  await page.getByRole('tab', { name: tool, exact: true }).click();
  if (tool === 'Depth') {
    await page.getByText('Step', { exact: true }).click();
    await page.getByRole('slider', { name: 'Depth', exact: true }).fill('4');
    // Until every depth is decoded the curves have gaps.
    await page.getByText(/of \d+ decoded/).waitFor({ state: 'detached', timeout: 120_000 });
  }
  if (tool === 'Replay') {
    const steps = page.getByRole('slider', { name: 'Step of the generation' });
    await steps.fill(String(Math.ceil((2 / 3) * Number(await steps.getAttribute('max')))));
  }
  if (tool === 'Codebook') await page.getByRole('list', { name: 'Items that hold this code' }).getByRole('link').first().waitFor();
  if (tool === 'Compare') await page.getByRole('radiogroup', { name: 'Item to compare with' }).getByRole('img').first().click();
  await page.waitForTimeout(5000);
}
