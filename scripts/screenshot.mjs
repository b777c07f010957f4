/**
 * `xvfb-run -a node scripts/screenshot.mjs [out.png|out.webp|folder] [light|dark] [width] [height] [view…]`: the real window with what the
 * shipped models make. Without a view the Images page after twelve pictures, as the README shows it; into a folder (`docs/inspector light 1280 800`)
 * every view of the inspector in VIEWS, or those that are named, as docs/inspector.md does. The voice of the sentences is the reader of
 * test/fixtures/sounds.
 */
import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { _electron } from '@playwright/test';
import sharp from 'sharp';
import { buildIfStale } from './lib/build.mjs';
import { installedElectron } from './lib/electron.mjs';
import { root } from './lib/project.mjs';
import { ensureTestElectron } from './test-electron.mjs';

/** @typedef {import('@playwright/test').Page} Page */

/**
 * Views of the inspector.
 * @type {Record<string, { kind: 'image' | 'speech', tool: string, show: (page: Page) => Promise<void> }>}
 */
const VIEWS = {
  grid: { kind: 'image', tool: 'Depth', show: depthFour },
  replay: { kind: 'image', tool: 'Replay', show: twoThirds },
  codebook: { kind: 'image', tool: 'Codebook', show: aCode },
  compare: { kind: 'image', tool: 'Compare', show: anotherItem },
  edit: { kind: 'image', tool: 'Edit', show: anInpainting },
  speech: { kind: 'speech', tool: 'Depth', show: depthFour },
  words: { kind: 'speech', tool: 'Edit', show: aWord },
  sentences: { kind: 'speech', tool: 'Compare', show: anotherItem },
  'speech-replay': { kind: 'speech', tool: 'Replay', show: twoThirds },
  'speech-codebook': { kind: 'speech', tool: 'Codebook', show: aCode },
};
/** Looked at, but not shown in the documentation. */
const UNSHOWN = ['speech-replay', 'speech-codebook'];

const [out = 'docs/screenshot.png', theme = 'light', width = '1440', height = '900', ...named] = process.argv.slice(2);
if (theme !== 'light' && theme !== 'dark') throw new Error(`The theme is "light" or "dark", not "${theme}".`);
const unknown = named.find((name) => !(name in VIEWS));
if (unknown !== undefined) throw new Error(`There is no view "${unknown}". There is: ${Object.keys(VIEWS).join(', ')}.`);
const wanted = named.length > 0 ? named : path.extname(out) === '' ? Object.keys(VIEWS).filter((name) => !UNSHOWN.includes(name)) : [];

buildIfStale();
process.env.ELECTRON_OVERRIDE_DIST_PATH = installedElectron() ?? (await ensureTestElectron());
const userData = await mkdtemp(path.join(os.tmpdir(), 'resgen-screenshot-'));
const app = await _electron.launch({ args: [root, '--no-sandbox', '--disable-gpu', `--user-data-dir=${userData}`] });
try {
  const page = await app.firstWindow();
  // The window comes before the studio.
  await page.waitForFunction(async () => (await window.studio?.call('app.info', null))?.ok);
  await app.evaluate(({ BrowserWindow }, { w, h }) => BrowserWindow.getAllWindows()[0]?.setContentSize(w, h), {
    w: Number(width),
    h: Number(height),
  });
  await page.evaluate(generate, theme);
  if (wanted.length === 0) await save(page, out);
  const ofSentences = wanted.filter((name) => VIEWS[name]?.kind === 'speech');
  for (const name of wanted) if (!ofSentences.includes(name)) await take(page, name);
  if (ofSentences.length > 0) await page.evaluate(speak, [...(await readFile(path.join(root, 'test/fixtures/sounds/reader.ogg')))]);
  for (const name of ofSentences) await take(page, name);
} finally {
  await app.close();
  await rm(userData, { recursive: true, force: true, maxRetries: 5 });
}

/** Opens the newest item of its kind in the inspector at the view's tool, and takes its picture. @param {Page} page @param {string} name */
async function take(page, name) {
  const view = VIEWS[name];
  if (!view) return;
  await page.evaluate(async (kind) => {
    const items = await window.studio?.call('items.list', { limit: 1, before: null, kind, search: '' });
    if (items?.ok) location.hash = `#/inspector/${items.value.items[0]?.id}`;
  }, view.kind);
  await page.getByRole('tab', { name: view.tool, exact: true }).click();
  await view.show(page);
  await page.waitForTimeout(4000);
  await save(page, path.extname(out) === '' ? path.join(out, `${name}.webp`) : out);
}

/** @param {Page} page @param {string} file */
async function save(page, file) {
  await page.waitForTimeout(1000);
  await mkdir(path.dirname(file), { recursive: true });
  // Where nothing lights up under the pointer.
  await page.mouse.move(1, 1);
  const picture = await page.screenshot();
  await writeFile(file, file.endsWith('.webp') ? await sharp(picture).webp({ quality: 85, effort: 6 }).toBuffer() : picture);
}

/** Runs in the page; ends when the job has ended. @param {string} wantedTheme */
async function generate(wantedTheme) {
  const { studio } = window;
  if (!studio) throw new Error('The page has no bridge.');
  await studio.call('settings.set', { theme: wantedTheme === 'dark' ? 'dark' : 'light' });
  const models = await studio.call('models.list', null);
  const manifest = models.ok ? models.value.find((m) => m.manifest?.kind === 'image' && m.manifest.files.step)?.manifest : undefined;
  const preset = manifest?.presets.find((p) => p.id === manifest.defaultPreset);
  if (!manifest || !preset) throw new Error('No model here can generate.');
  const classes = Array.from({ length: 6 }, (_, i) => manifest.classes[Math.floor((i * manifest.classes.length) / 6)] ?? '');
  /** @type {Promise<void>} */
  const ended = new Promise((resolve) => {
    studio.subscribe((event) => {
      if (event.name === 'job' && event.payload.endedAt !== null) resolve();
    });
  });
  const job = await studio.call('jobs.create', { model: manifest.id, classes, count: 2, seed: 7, sampling: preset.sampling, batch: 4 });
  if (!job.ok) throw new Error(job.error.message);
  await ended;
}

/** Runs in the page: a voice says two sentences, which end. @param {number[]} clip */
async function speak(clip) {
  const { studio } = window;
  if (!studio) throw new Error('The page has no bridge.');
  const models = await studio.call('models.list', null);
  const manifest = models.ok ? models.value.find((m) => m.manifest?.files.text)?.manifest : undefined;
  const preset = manifest?.presets.find((p) => p.id === manifest.defaultPreset);
  if (!manifest || !preset) throw new Error('No model here can speak.');
  const consent = 'The reader published this recording for any use under CC BY 4.0.';
  const file = { name: 'reader.ogg', bytes: Uint8Array.from(clip) };
  const voice = await studio.call('voices.add', { name: 'Reader', file, region: { from: 0, until: 8 }, consent });
  if (!voice.ok) throw new Error(voice.error.message);
  for (const speed of [1.15, 1]) {
    /** @type {Promise<void>} */
    const ended = new Promise((resolve) => {
      studio.subscribe((event) => {
        if (event.name === 'job' && event.payload.endedAt !== null) resolve();
      });
    });
    const text = 'Please put the blue folder on the shelf.';
    const job = await studio.call('speech.say', {
      model: manifest.id,
      voice: voice.value.id,
      text,
      seed: 7,
      sampling: preset.sampling,
      speed,
    });
    if (!job.ok) throw new Error(job.error.message);
    await ended;
  }
}

/** The colours of the grid, and the depth that is decoded. @param {Page} page @param {string} colours @param {string} depth */
async function look(page, colours, depth) {
  await page.getByRole('radiogroup', { name: 'Colour by' }).getByText(colours, { exact: true }).click();
  await page.getByRole('slider', { name: 'Depth', exact: true }).fill(depth);
}

/** @param {Page} page */
async function depthFour(page) {
  await look(page, 'Step', '4');
  // Until every depth is decoded the curves have gaps.
  await page.getByText(/of \d+ decoded/).waitFor({ state: 'detached', timeout: 240_000 });
}

/** @param {Page} page */
async function twoThirds(page) {
  const steps = page.getByRole('slider', { name: 'Step of the generation' });
  await steps.fill(String(Math.ceil((2 / 3) * Number(await steps.getAttribute('max')))));
}

/** The one of a position in the middle, where there is more than a background or silence. @param {Page} page */
async function aCode(page) {
  await look(page, 'Rarity', '16');
  const code = await page.evaluate(async () => {
    const sheet = await window.studio?.call('tokens.get', { id: location.hash.split('/').at(-1) ?? '' });
    if (!sheet?.ok) throw new Error('The item has no tokens.');
    const { codes, L, D } = sheet.value;
    return new Int32Array(codes.slice().buffer)[Math.floor(0.43 * L) * D];
  });
  const field = page.getByRole('spinbutton', { name: 'Code', exact: true });
  await field.fill(String(code));
  await field.blur();
  await page.getByRole('list', { name: 'Items that hold this code' }).getByRole('link').first().waitFor({ timeout: 120_000 });
}

/** @param {Page} page */
async function anotherItem(page) {
  await page.getByRole('radiogroup', { name: 'Item to compare with' }).getByRole('img').first().click();
}

/** Some positions in the middle, chosen on the picture. @param {Page} page */
async function anInpainting(page) {
  await look(page, 'Residual', '16');
  await page.getByRole('tabpanel').getByText('Inpaint', { exact: true }).click();
  await drag(page, { x: 0.35, y: 0.35 }, { x: 0.75, y: 0.75 });
}

/** The words in the middle of the sentence. @param {Page} page */
async function aWord(page) {
  await look(page, 'Residual', '16');
  await page.getByRole('tabpanel').getByText('Inpaint', { exact: true }).click();
  const words = page.getByRole('region', { name: 'Tokens' }).getByRole('toolbar', { name: 'Words' });
  await words.getByRole('button', { name: 'blue', exact: true }).click();
  await words.getByRole('button', { name: 'folder', exact: true }).click({ modifiers: ['Shift'] });
}

/** Over what is seen at the left. @param {Page} page @param {{ x: number, y: number }} from @param {{ x: number, y: number }} to */
async function drag(page, from, to) {
  const box = await page.getByRole('complementary', { name: 'View of the item' }).locator('canvas').first().boundingBox();
  if (!box) throw new Error('There is no picture to drag over.');
  await page.mouse.move(box.x + from.x * box.width, box.y + from.y * box.height);
  await page.mouse.down();
  await page.mouse.move(box.x + to.x * box.width, box.y + to.y * box.height, { steps: 6 });
  await page.mouse.up();
}
