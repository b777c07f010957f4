/**
 * `node bench/electron.mjs [model]`: the window, measured in a real Electron. Prints JSON with
 * - `coldStart`: milliseconds from the launch to the first contentful paint, and from there to the first finished picture;
 * - `frames`: intervals between animation frames in milliseconds while a long job runs;
 * - `memory`: MiB of every process while it runs. Pages that processes share are counted once, divided among them (PSS of Linux).
 * Needs a display: under Linux without one, put `xvfb-run -a` before it.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { _electron } from '@playwright/test';
import { buildIfStale } from '../scripts/lib/build.mjs';
import { installedElectron } from '../scripts/lib/electron.mjs';
import { root } from '../scripts/lib/project.mjs';
import { ensureTestElectron } from '../scripts/test-electron.mjs';

const FRAMES_MS = 15_000;

buildIfStale();
process.env.ELECTRON_OVERRIDE_DIST_PATH = installedElectron() ?? (await ensureTestElectron());
const userData = await mkdtemp(path.join(os.tmpdir(), 'resgen-bench-'));
const launched = Date.now();
const app = await _electron.launch({ args: [root, '--disable-gpu', `--user-data-dir=${userData}`] });
try {
  const page = await app.firstWindow();
  const shown = await page.evaluate(firstPaint);
  const first = await page.evaluate(makeOne, process.argv[2] ?? null);
  const frames = await page.evaluate(frameTimes, { model: first.model, ms: FRAMES_MS });
  const memory = await memoryOf(app);
  const report = {
    model: first.model,
    electron: await app.evaluate(() => process.versions.electron),
    coldStart: { launchToPaintMs: shown - launched, paintToPictureMs: Math.round(first.at - shown) },
    frames,
    memory,
  };
  console.log(JSON.stringify(report, null, 2));
} finally {
  await app.close();
  await rm(userData, { recursive: true, force: true, maxRetries: 5 });
}

/** Runs in the page. @returns {Promise<number>} wall clock of the first contentful paint */
function firstPaint() {
  return new Promise((resolve) => {
    new PerformanceObserver((list) => {
      const [entry] = list.getEntriesByName('first-contentful-paint');
      if (entry) resolve(Math.round(performance.timeOrigin + entry.startTime));
    }).observe({ type: 'paint', buffered: true });
  });
}

/** Runs in the page: one picture of the first class at the fastest preset. @param {string | null} wanted */
async function makeOne(wanted) {
  const models = await window.studio.call('models.list', null);
  const manifest = models.ok && models.value.find((m) => m.manifest?.files.step && (wanted === null || m.id === wanted))?.manifest;
  if (!manifest) throw new Error('No model here can generate.');
  const { sampling } = manifest.presets.find((preset) => preset.id === 'fast') ?? manifest.presets[0];
  const added = new Promise((resolve) => {
    window.studio.subscribe(({ name }) => name === 'itemAdded' && resolve(Date.now()));
  });
  const job = await window.studio.call('jobs.create', { model: manifest.id, classes: [manifest.classes[0]], count: 1, seed: 1, sampling });
  if (!job.ok) throw new Error(job.error.message);
  return { model: manifest.id, at: await added };
}

/** Runs in the page: intervals between animation frames for `ms` while pictures are being made. @param {{ model: string, ms: number }} options */
async function frameTimes({ model, ms }) {
  const models = await window.studio.call('models.list', null);
  const manifest = models.ok && models.value.find((m) => m.id === model)?.manifest;
  const { sampling } = manifest.presets.find((preset) => preset.id === 'best') ?? manifest.presets[0];
  const job = await window.studio.call('jobs.create', { model, classes: [manifest.classes[0]], count: 1000, seed: 2, sampling });
  const intervals = [];
  const end = performance.now() + ms;
  for (let last = performance.now(); last < end;) {
    const now = await new Promise(requestAnimationFrame);
    intervals.push(now - last);
    last = now;
  }
  const state = (await window.studio.call('jobs.list', null)).value.find(({ id }) => id === job.value.id).state;
  await window.studio.call('jobs.cancel', { id: job.value.id });
  intervals.sort((a, b) => a - b);
  const at = (share) => Number(intervals[Math.min(intervals.length - 1, Math.floor(share * intervals.length))].toFixed(1));
  return { count: intervals.length, stillGenerating: state === 'running', median: at(0.5), p95: at(0.95), max: at(1) };
}

async function memoryOf(app) {
  const processes = await app.evaluate(({ app }) => app.getAppMetrics().map(({ pid, type, name }) => ({ pid, name: name ?? type })));
  const sizes = [];
  for (const { pid, name } of processes) sizes.push({ name, mib: await megabytes(pid) });
  return { totalMib: sizes.reduce((sum, { mib }) => sum + mib, 0), processes: sizes };
}

async function megabytes(pid) {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Math.round(Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1]) / 1024);
}
