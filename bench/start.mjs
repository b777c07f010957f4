/**
 * `node bench/start.mjs [rounds] [OTHER_CHECKOUT]`: how long the window takes, from the start of the process to its first drawn page, and until the
 * page knows its library and models. With another checkout the two start in turn, each round both, so that the machine's mood is in both; it has to be
 * built (`npm run build`). Every start has a user-data folder that has been started in before. On Linux also the processor time that the main process
 * and the page's had taken by then, which other work on the machine hardly changes. Prints JSON. Needs a display: under Linux without one, put
 * `xvfb-run -a` before it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { chromium } from '@playwright/test';
import { buildIfStale } from '../scripts/lib/build.mjs';
import { electronIn, installedElectron, sandboxSwitches } from '../scripts/lib/electron.mjs';
import { root } from '../scripts/lib/project.mjs';
import { ensureTestElectron } from '../scripts/test-electron.mjs';
import { printReport } from './lib.mjs';

const [rounds = '7', other] = process.argv.slice(2);
buildIfStale();
const electron = electronIn(installedElectron() ?? (await ensureTestElectron()));
const apps = [...(other === undefined ? [] : [path.resolve(other)]), root].map((folder) => ({
  folder,
  drawn: [],
  ready: [],
  main: [],
  page: [],
}));
for (const app of apps) app.data = await mkdtemp(path.join(os.tmpdir(), 'resgen-bench-'));
try {
  // The first start of each makes its library, and brings the files into memory.
  for (let round = 0; round <= Number(rounds); round++) {
    for (const app of apps) {
      const times = await start(app);
      if (round > 0) for (const [name, ms] of Object.entries(times)) app[name].push(ms);
    }
  }
  const middle = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
  const report = ({ folder, drawn, ready, main, page }) => {
    const processor = { mainMs: middle(main), pageMs: middle(page) };
    return { folder, drawnMs: middle(drawn), readyMs: middle(ready), processor, drawn, ready };
  };
  printReport(apps.map(report));
} finally {
  for (const { data } of apps) await rm(data, { recursive: true, force: true, maxRetries: 5 });
}

async function start({ folder, data }) {
  const started = Date.now();
  const switches = [...sandboxSwitches, '--disable-gpu', '--remote-debugging-port=0', `--user-data-dir=${data}`];
  const child = spawn(electron, [...switches, folder], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'exit');
  try {
    const address = await debuggingAddress(child);
    await windowIsThere(address);
    const browser = await chromium.connectOverCDP(address);
    // The page's own clock: whoever looks comes later.
    const [drawn, ready] = await browser.contexts()[0].pages()[0].evaluate(times);
    const [main, page] = [processorMs(child.pid), pagesOf(child.pid).reduce((sum, pid) => sum + processorMs(pid), 0)];
    await browser.close();
    return { drawn: drawn - started, ready: ready - started, main, page };
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

/** The processes of pages that a main process has. @param {number} main */
function pagesOf(main) {
  if (process.platform !== 'linux') return [];
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return all.filter((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return command.includes('--type=renderer') && ancestors(pid).includes(String(main));
    } catch {
      // It has just ended.
      return false;
    }
  });
}

function ancestors(pid) {
  const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return parent === undefined || parent === '0' ? [] : [parent, ...ancestors(parent)];
}

/** Linux counts in ticks of 10 ms. */
function processorMs(pid) {
  if (process.platform !== 'linux') return null;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

/** Reads on to the end: a process whose stderr nobody takes would stop at some point. */
function debuggingAddress(child) {
  return new Promise((found, failed) => {
    createInterface(child.stderr).on('line', (line) => {
      const address = /^DevTools listening on (ws:\S+)/.exec(line)?.[1];
      if (address) found(address);
    });
    child.once('exit', () => failed(new Error('Electron ended without a window.')));
  });
}

/** A page that opens while Playwright connects may keep it waiting for ever. */
async function windowIsThere(address) {
  const list = new URL('/json/list', address.replace('ws:', 'http:'));
  for (;;) {
    const targets = await (await fetch(list)).json();
    if (targets.some(({ type, url }) => type === 'page' && url.startsWith('studio:'))) return;
    await delay(50);
  }
}

/** Runs in the page. @returns {Promise<[number, number]>} wall clock of the first contentful paint, and of the first answer about models */
async function times() {
  const paint = await new Promise((resolve) => {
    new PerformanceObserver((list) => {
      const [entry] = list.getEntriesByName('first-contentful-paint');
      if (entry) resolve(performance.timeOrigin + entry.startTime);
    }).observe({ type: 'paint', buffered: true });
  });
  while (!document.querySelector('[role=listbox][aria-label=Classes] [role=option]')) await new Promise(requestAnimationFrame);
  return [Math.round(paint), Date.now()];
}
