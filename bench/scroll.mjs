/**
 * `node bench/scroll.mjs [items] [pixels a frame]`: the Library page of a large library (100,000 items unless told otherwise) in Chromium, served by
 * `resgen serve`, scrolled down, more of it loaded as it goes. Prints JSON: time from frame to frame of an empty page and of the library, in turns.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from '@playwright/test';
import sharp from 'sharp';
import { buildIfStale } from '../scripts/lib/build.mjs';
import { root } from '../scripts/lib/project.mjs';
import { bundled, cache, printReport } from './lib.mjs';

const FRAMES = 240;
const ROUNDS = 4;
const SIDE = 256;

const [items = 100_000, pixels = 60] = process.argv.slice(2).map(Number);
buildIfStale();
const { makeLibrary } = await bundled('scroll.ts');
mkdirSync(cache, { recursive: true });
const data = mkdtempSync(path.join(cache, 'scroll-'));
const pictures = path.join(root, 'resources', 'models', 'fruits', 'thumbnails.webp');
const corner = { left: 0, top: 0, width: 48, height: 48 };
const thumbnail = await sharp(pictures).extract(corner).resize(SIDE, SIDE).webp().toBuffer();
// As many as so many frames can bring into sight, five in a row of 200 pixels at the least.
makeLibrary(data, items, Math.min(items, Math.ceil((ROUNDS * FRAMES * pixels) / 100) * 10), thumbnail);

const server = spawn(process.execPath, [path.join(root, 'out', 'main', 'cli.js'), 'serve', '--port', '0'], {
  env: { ...process.env, RESGEN_DATA: data },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const browser = await chromium.launch({
  ...(process.platform === 'linux' ? { executablePath: '/usr/bin/chromium' } : {}),
  chromiumSandbox: process.getuid?.() !== 0,
});
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(await link());
  await page.evaluate(() => (location.hash = '#/library'));
  const grid = page.getByRole('listbox');
  await grid.locator('img').first().waitFor();
  const empty = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await empty.setContent('<div style="height: 10000000px"></div>');
  const times = { empty: [], library: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, where] of Object.entries({ empty, library: page })) {
      await where.bringToFront();
      times[name].push(...(await where.evaluate(scroll, { frames: FRAMES, pixels })));
    }
  }
  const loaded = await grid.evaluate((element) =>
    Math.max(...[...element.querySelectorAll('[aria-posinset]')].map((tile) => Number(tile.ariaPosInSet))),
  );
  printReport({
    items,
    pixelsAFrame: pixels,
    browser: browser.version(),
    scrolledTo: loaded,
    intervalMs: { empty: quantiles(times.empty), library: quantiles(times.library) },
  });
} finally {
  await browser.close();
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  await ended;
  rmSync(data, { recursive: true, force: true });
}

/** @returns {Promise<string>} */
async function link() {
  for await (const line of createInterface(server.stdout)) {
    const found = /http:\/\/\S+#token=\S+/.exec(line);
    if (found) return found[0];
  }
  throw new Error('The server ended before it printed its link.');
}

/** Runs in the page: scrolls whatever scrolls, and gives the milliseconds between frames. @param {{ frames: number, pixels: number }} options */
async function scroll({ frames, pixels }) {
  const tall = [document.scrollingElement, ...document.querySelectorAll('*')].filter(
    (e) =>
      e &&
      e.scrollHeight > e.clientHeight + 100 &&
      /auto|scroll/.test(e === document.scrollingElement ? 'auto' : getComputedStyle(e).overflowY),
  );
  const area = tall.sort((a, b) => (b?.scrollHeight ?? 0) - (a?.scrollHeight ?? 0))[0];
  if (!area) throw new Error('Nothing scrolls here.');
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const times = [];
  let last = await frame();
  for (let n = 0; n < frames; n++) {
    area.scrollTop += pixels;
    const now = await frame();
    times.push(now - last);
    last = now;
  }
  return times;
}

/** @param {number[]} times */
function quantiles(times) {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return { frames: sorted.length, median: at(0.5), p95: at(0.95), max: sorted.at(-1), over25ms: sorted.filter((t) => t > 25).length };
}
