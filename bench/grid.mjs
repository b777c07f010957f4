/**
 * `node bench/grid.mjs [positions] [depths]`: the inspector's token grid in Chromium (2,000 x 72 unless told otherwise), scrolled and
 * zoomed. Prints JSON: time of a frame of an empty page, of one drawn as the inspector does it (one scaled copy of an image of one pixel a
 * token), and of one drawn by one rectangle a token, in turns in the same page.
 */
import path from 'node:path';
import { chromium } from '@playwright/test';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { build } from 'vite';
import { root } from '../scripts/lib/project.mjs';

const FRAMES = 180;
const ROUNDS = 3;

const [L = 2000, D = 72] = process.argv.slice(2).map(Number);
const output = await build({
  configFile: false,
  logLevel: 'error',
  plugins: [svelte()],
  build: { write: false, lib: { entry: path.join(root, 'bench', 'grid.ts'), formats: ['iife'], name: 'grid' } },
});
const [{ code }] = [output].flat()[0].output;
// Debian's own Chromium; elsewhere the one that Playwright installed.
const browser = await chromium.launch({
  ...(process.platform === 'linux' ? { executablePath: '/usr/bin/chromium' } : {}),
  chromiumSandbox: process.getuid?.() !== 0,
});
try {
  const page = await browser.newPage({ viewport: { width: 1200, height: 600 } });
  await page.addScriptTag({ content: code });
  // `grid` is the bundle's global.
  const times = await page.evaluate((options) => globalThis.grid.measure(options), { L, D, frames: FRAMES, rounds: ROUNDS });
  console.log(JSON.stringify({ positions: L, depths: D, browser: browser.version(), ...times }, null, 2));
} finally {
  await browser.close();
}
