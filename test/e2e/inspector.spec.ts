import { execFileSync } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import type { Locator } from '@playwright/test';
import { Manifest, toWav } from '../../src/contract/index.js';
import { writeTokenFile } from '../../src/engine/tokens.js';
import { PYTHON, pythonReadsTokens } from '../python.js';
import { enginePid } from './harness/processes.js';
import type { StudioPage } from './harness/studio-page.js';
import { expect, test } from './harness/test.js';
import { inspected, tokensOf } from './harness/tokens.js';

// The tiny model: 2 x 2 positions of 4 depths, 16 codes.
const D = 4;

test('proof: generate, open, drag the depth, replay, inpaint, swap depths, undo, export, read back in Python', async ({ studio, data }) => {
  await studio.make({ class: 'Circle', count: 2, seed: 40 });
  const [newest, older] = await newestItems(studio);
  await studio.inspectNewest();
  const before = await tokensOf(studio, newest);
  await expect(studio.inspectedPicture).toHaveAccessibleName(/All depths/);
  const whole = await pixelsOf(studio);

  // With the mouse, from the right end to the left.
  const slider = studio.page.getByRole('slider', { name: 'Depth', exact: true });
  await dragTo(studio, slider, 0);
  await expect(slider).toHaveValue('1');
  await expect(studio.inspectedPicture).toHaveAccessibleName(/Depths 1 to 1/);
  await expect.poll(() => pixelsOf(studio)).not.toBe(whole);
  await dragTo(studio, slider, 1);
  await expect.poll(() => pixelsOf(studio)).toBe(whole);

  // The replay begins with nothing and ends with the picture of the stored tokens.
  await studio.openTool('Replay');
  const steps = studio.page.getByRole('slider', { name: 'Step of the generation' });
  await steps.fill('0');
  await expect(studio.page.getByText('16 of 16 still masked')).toBeVisible();
  await expect.poll(() => pixelsOf(studio)).not.toBe(whole);
  await studio.page.getByRole('button', { name: 'Play', exact: true }).click();
  await expect(steps).toHaveValue('8');
  await expect.poll(() => pixelsOf(studio)).toBe(whole);

  await studio.openTool('Edit');
  await studio.page.getByText('Inpaint', { exact: true }).click();
  await regionOfPicture(studio, { x: 0.1, y: 0.6 }, { x: 0.9, y: 0.9 });
  await expect(studio.page.getByText('Makes 8 tokens anew, at 2–3.')).toBeVisible();
  await studio.page.getByRole('button', { name: 'Make a new item' }).click();
  await expect.poll(() => inspected(studio)).not.toBe(newest);
  const inpaintedId = await inspected(studio);
  const inpainted = await tokensOf(studio, inpaintedId);
  expect(inpainted.codes.slice(0, 2 * D)).toEqual(before.codes.slice(0, 2 * D));
  expect(inpainted.codes).not.toEqual(before.codes);

  await studio.page.getByText('Swap depths', { exact: true }).click();
  await studio.page.getByRole('spinbutton', { name: /Of this item/ }).fill('2');
  const others = studio.page.getByRole('radiogroup', { name: 'Other item' });
  const { className, seed } = (await tokensOf(studio, older)).sheet.item.recipe;
  await others
    .getByRole('img', { name: `${className}, seed ${seed}` })
    .first()
    .click();
  await studio.page.getByRole('button', { name: 'Make a new item' }).click();
  await expect.poll(() => inspected(studio)).not.toBe(inpaintedId);
  const swapped = await tokensOf(studio, await inspected(studio));
  const fine = await tokensOf(studio, older);
  expect(swapped.codes).toEqual(inpainted.codes.map((code, n) => (n % D < 2 ? code : fine.codes[n])));
  expect(swapped.sheet.item.recipe.parents?.map(({ id }) => id)).toEqual([inpaintedId, older]);

  await studio.page.getByRole('button', { name: 'Undo the edit' }).click();
  await expect.poll(() => inspected(studio)).toBe(inpaintedId);
  await expect(studio.page.getByRole('button', { name: 'Undo the edit' })).toBeEnabled();

  const file = await studio.host.download(async () => {
    await studio.page.getByRole('button', { name: 'Save', exact: true }).click();
    await studio.page.getByRole('menuitem', { name: 'safetensors' }).click();
  });
  expect(file.name).toMatch(/\.safetensors$/);
  if (!pythonReadsTokens()) return;
  const saved = path.join(data.folder, 'exported.safetensors');
  await writeFile(saved, file.bytes);
  const read = [
    'import json, sys',
    'from safetensors import safe_open',
    'with safe_open(sys.argv[1], framework="numpy") as f:',
    '    codes, recipe = f.get_tensor("codes"), json.loads(f.metadata()["recipe"])',
    'print(json.dumps([codes.tolist(), str(codes.dtype), recipe["edit"]["kind"]]))',
  ].join('\n');
  const [codes, type, kind] = JSON.parse(execFileSync(PYTHON, ['-c', read, saved], { encoding: 'utf8' })) as [number[][], string, string];
  expect(codes.flat()).toEqual(inpainted.codes);
  expect([type, kind]).toEqual(['int32', 'resamplePositions']);
});

test('opens from the viewer, follows the depth slider, and lights up what is selected', async ({ studio }) => {
  await studio.make({ class: 'Circle', count: 1, seed: 5 });
  await studio.inspectNewest();
  await expect(studio.page.getByRole('heading', { level: 1 })).toHaveText('Circle, seed 5');
  await expect(studio.inspectedPicture).toHaveAccessibleName(/All depths/);

  const slider = studio.page.getByRole('slider', { name: 'Depth', exact: true });
  await slider.fill('1');
  await expect(studio.inspectedPicture).toHaveAccessibleName(/Depths 1 to 1/);
  await expect(studio.page.getByText(/dB to full depth/)).toBeVisible();
  await studio.page.keyboard.press(']');
  await expect(slider).toHaveValue('2');
  await expect(studio.page.getByRole('list', { name: 'The picture at every depth' }).getByRole('button')).toHaveCount(D);
  await expect(studio.page.getByRole('img', { name: /^PSNR to full depth: .* dB at 1, .* dB at 3/ })).toBeVisible();

  await studio.tokenGrid.focus();
  await studio.page.keyboard.press('ArrowRight');
  await studio.page.keyboard.press('Shift+ArrowDown');
  await expect(studio.page.getByRole('complementary')).toContainText('2 tokens');
  await studio.page.keyboard.press('Control+a');
  await expect(studio.page.getByRole('complementary')).toContainText('16 tokens');
  await studio.page.keyboard.press('Escape');
  await expect(studio.page.getByRole('complementary')).toContainText('nothing');
});

test('replays the generation to the tokens that are stored', async ({ studio }) => {
  await studio.make({ class: 'Square', count: 1, seed: 8 });
  await studio.inspectNewest();
  await studio.openTool('Replay');
  const slider = studio.page.getByRole('slider', { name: 'Step of the generation' });
  await slider.fill('0');
  await expect(studio.page.getByText('16 of 16 still masked')).toBeVisible();
  await studio.page.getByRole('button', { name: 'Play' }).click();
  await expect(slider).toHaveValue('8');
  await expect(studio.page.getByText('0 of 16 still masked')).toBeVisible();
  await expect(studio.page.getByRole('img', { name: /^Masked tokens: 16 at 0, 0 at 8/ })).toBeVisible();
});

test('inpaints a region, swaps the depths of two items, and undoes both', async ({ studio }) => {
  await studio.make({ class: 'Circle', count: 2, seed: 20 });
  const [newest, older] = await newestItems(studio);
  await studio.inspectNewest();
  const before = await tokensOf(studio, newest);

  await studio.openTool('Edit');
  await studio.page.getByText('Inpaint', { exact: true }).click();
  await expect(studio.page.getByRole('button', { name: 'Make a new item' })).toBeDisabled();
  await regionOfPicture(studio, { x: 0.1, y: 0.1 }, { x: 0.9, y: 0.2 });
  await expect(studio.page.getByText('Makes 8 tokens anew, at 0–1.')).toBeVisible();
  await studio.page.getByRole('button', { name: 'Make a new item' }).click();
  await expect.poll(() => inspected(studio)).not.toBe(newest);
  const inpainted = await inspected(studio);
  const after = await tokensOf(studio, inpainted);
  expect(after.codes.slice(2 * D)).toEqual(before.codes.slice(2 * D));
  expect(after.sheet.item.recipe.verb).toBe('edit');
  expect(after.sheet.item.recipe.parents?.map(({ id }) => id)).toEqual([newest]);

  await studio.page.getByText('Swap depths', { exact: true }).click();
  await studio.page.getByRole('spinbutton', { name: /Of this item/ }).fill('1');
  const { className, seed } = (await tokensOf(studio, older)).sheet.item.recipe;
  const others = studio.page.getByRole('radiogroup', { name: 'Other item' });
  await others
    .getByRole('img', { name: `${className}, seed ${seed}` })
    .first()
    .click();
  await studio.page.getByRole('button', { name: 'Make a new item' }).click();
  await expect.poll(() => inspected(studio)).not.toBe(inpainted);
  const swapped = await tokensOf(studio, await inspected(studio));
  const other = await tokensOf(studio, older);
  for (let n = 0; n < swapped.codes.length; n++) expect(swapped.codes[n]).toBe(n % D === 0 ? after.codes[n] : other.codes[n]);

  await studio.page.getByRole('tab', { name: 'Edit' }).focus();
  await studio.page.keyboard.press('Control+z');
  await expect.poll(() => inspected(studio)).toBe(inpainted);
  await studio.page.getByRole('button', { name: 'Undo the edit' }).click();
  await expect.poll(() => inspected(studio)).toBe(newest);
  await expect(studio.page.getByRole('button', { name: 'Undo the edit' })).toBeDisabled();
  await studio.page.getByRole('button', { name: 'Redo the edit' }).click();
  await expect.poll(() => inspected(studio)).toBe(inpainted);
  expect((await tokensOf(studio, inpainted)).codes).toEqual(after.codes);
});

test('compares two items and shows where they differ', async ({ studio }) => {
  await studio.make({ class: 'Triangle', count: 2, seed: 3 });
  await studio.inspectNewest();
  await studio.openTool('Compare');
  await studio.page.getByRole('radiogroup', { name: 'Item to compare with' }).getByRole('img').first().click();
  await expect(studio.page.getByText(/of 16 tokens differ/)).toBeVisible();
  await expect(studio.inspectedPicture).toHaveAccessibleName(/This item/);
  await studio.tokenGrid.focus();
  await studio.page.keyboard.press('s');
  await expect(studio.inspectedPicture).toHaveAccessibleName(/Triangle, seed 3$/);
});

test('shows the codebook: usage, the map, and who holds a code', async ({ studio }) => {
  await studio.make({ class: 'Circle', count: 2, seed: 1 });
  await studio.inspectNewest();
  await studio.openTool('Codebook');
  await expect(studio.page.getByText(/Over 2 items/)).toBeVisible();
  await expect(studio.page.getByRole('img', { name: 'Codes of depth 1: 16 points.' })).toBeVisible();
  const near = studio.page.getByRole('list', { name: /^Code \d+ and the codes nearest to it$/ });
  await expect(near.getByRole('button')).toHaveCount(7);
  // Each is decoded: what is no picture yet is one pixel wide.
  const widths = () => near.locator('canvas').evaluateAll((canvases: HTMLCanvasElement[]) => canvases.map(({ width }) => width));
  await expect.poll(widths).toEqual(Array.from({ length: 7 }, () => 16));
  const holders = studio.page.getByRole('list', { name: 'Items that hold this code' });
  await expect(holders.getByRole('link').first()).toBeVisible();
  // Narrowed to words that only one of the two has; the code is one of it, whose tokens are selected where it leads to.
  await studio.page.getByRole('searchbox', { name: 'Search among these items' }).fill('circle 2');
  await expect(studio.page.getByText(/Over 1 item:/)).toBeVisible();
  await expect(holders.getByRole('link')).toHaveCount(1);
  await holders.getByRole('link').click();
  await expect(studio.page.getByRole('complementary')).toContainText(/[1-4] tokens/);
});

test('shows the codebook of what is selected in the library', async ({ studio }) => {
  await studio.make({ class: 'Circle', count: 3, seed: 1 });
  await studio.page.getByRole('link', { name: 'Library', exact: true }).click();
  const tiles = studio.page.getByRole('main', { name: 'Library' }).getByRole('option');
  await expect(tiles).toHaveCount(3);
  await tiles.nth(0).click({ modifiers: ['Control'] });
  await tiles.nth(2).click({ modifiers: ['Control'] });
  await studio.page.getByRole('toolbar', { name: 'Selected items' }).getByRole('button', { name: 'Codebook' }).click();
  await expect(studio.page.getByRole('combobox', { name: 'Items', exact: true })).toHaveValue('chosen');
  await expect(studio.page.getByText(/Over 2 items/)).toBeVisible();
  await studio.page.getByRole('combobox', { name: 'Items', exact: true }).selectOption('all');
  await expect(studio.page.getByText(/Over 3 items/)).toBeVisible();
});

test('stops an edit at once, and nothing comes of it', async ({ studio }) => {
  await studio.make({ class: 'Circle', count: 1, seed: 4 });
  const [item] = (await studio.call('items.list', { limit: 1, before: null, kind: null, search: '' })).items;
  await studio.inspectNewest();
  await studio.openTool('Edit');
  await studio.page.getByText('Inpaint', { exact: true }).click();
  await regionOfPicture(studio, { x: 0.1, y: 0.1 }, { x: 0.9, y: 0.2 });
  const engine = Number(enginePid(studio.host.pid));
  // An engine that does not answer: the tiny model is done before a hand is at the button.
  process.kill(engine, 'SIGSTOP');
  try {
    await studio.page.getByRole('button', { name: 'Make a new item' }).click();
    await studio.page.getByRole('button', { name: 'Stop the edit' }).click();
    await expect(studio.page.getByRole('button', { name: 'Stop the edit' })).toBeHidden();
    await expect(studio.page.getByText('Stopped. Nothing was changed.')).toBeAttached();
  } finally {
    process.kill(engine, 'SIGCONT');
  }
  expect(await inspected(studio)).toBe(item?.id);
  // The engine is free again, and only what is asked for now is made.
  await studio.page.getByRole('button', { name: 'Make a new item' }).click();
  await expect.poll(() => inspected(studio)).not.toBe(item?.id);
  expect((await studio.call('items.list', { limit: 9, before: null, kind: null, search: '' })).total).toBe(2);
});

test('opens tokens of a package of codebooks alone, with the energy that is left by depth', async ({ data, launch }) => {
  const [tiny, bare] = [path.resolve('test/fixtures/models/tiny'), path.join(data.models, 'bare')];
  await mkdir(bare, { recursive: true });
  const manifest = Manifest.parse(JSON.parse(await readFile(path.join(tiny, 'model.json'), 'utf8')));
  const { codebooks, card } = manifest.files;
  for (const file of [codebooks, card]) await cp(path.join(tiny, file.path), path.join(bare, file.path));
  await writeFile(
    path.join(bare, 'model.json'),
    JSON.stringify({ ...manifest, id: 'bare', thumbnails: undefined, files: { codebooks, card } }),
  );
  const model = { id: 'bare', version: manifest.version };
  const tokens = writeTokenFile({
    L: 4,
    D,
    codes: Int32Array.from({ length: 4 * D }, (_code, n) => n),
    model: model.id,
    version: model.version,
    recipe: { format: 1, studio: '0.1.0', model, kind: 'image', verb: 'encode', source: 'bare.png' },
  });
  const studio = await launch();
  await studio.page.getByRole('link', { name: 'Inspect', exact: true }).click();
  await studio.drop({ name: 'bare.safetensors', bytes: Buffer.from(tokens), type: '' });
  await expect(studio.page.getByText(/What each depth leaves over needs no decoder/)).toBeVisible();
  await expect(studio.page.getByRole('img', { name: /^Residual energy: .* at 1, 0 at 4\.$/ })).toBeVisible();
  const slider = studio.page.getByRole('slider', { name: 'Depth', exact: true });
  await slider.fill('2');
  await expect(studio.page.getByText(/^Energy left \d/)).toBeVisible();

  // A chart of points is saved with its points, which are lines of no length with round ends, and with what their colours mean.
  await studio.openTool('Codebook');
  await expect(studio.page.getByRole('img', { name: 'Codes of depth 1: 16 points.' })).toBeVisible();
  const map = await studio.host.download(() => studio.page.getByRole('button', { name: 'Save Codes of depth 1 as SVG' }).click());
  expect(map.bytes.toString()).toMatch(/>Codes of depth 1<\/text>.*<circle .*>never used<\/text>.*<path [^>]*stroke-linecap="round"/);
});

test('saves the tokens, a chart, and the unmasking', async ({ studio }) => {
  await studio.make({ class: 'Circle', count: 1, seed: 2 });
  await studio.inspectNewest();
  const save = (format: string) =>
    studio.host.download(async () => {
      await studio.page.getByRole('button', { name: 'Save', exact: true }).click();
      await studio.page.getByRole('menuitem', { name: format }).click();
    });
  const tokens = await save('safetensors');
  expect(tokens.name).toMatch(/\.safetensors$/);
  expect(tokens.bytes.toString('latin1')).toContain('"codes"');
  const animation = await save('Unmasking, GIF');
  expect(animation.bytes.toString('latin1', 0, 6)).toBe('GIF89a');
  const chart = await studio.host.download(() => studio.page.getByRole('button', { name: 'Save Residual energy as SVG' }).click());
  expect(chart.name).toBe('residual-energy.svg');
  expect(chart.bytes.toString()).toMatch(/^<svg[^>]+xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  expect(chart.bytes.toString()).not.toContain('oklch(');
  expect(chart.bytes.toString()).toContain('>Residual energy</text>');
  const png = await studio.host.download(() => studio.page.getByRole('button', { name: 'Save Residual energy as PNG' }).click());
  expect(png.bytes.toString('latin1', 1, 4)).toBe('PNG');
  // The grid is a chart as well.
  const grid = await save('Grid, SVG');
  expect(grid.name).toBe('tokens-code.svg');
  expect(grid.bytes.toString()).toMatch(/Circle, seed 2: code<\/text>.*<image [^>]+ href="data:image\/png;base64,/);
  expect((await save('Grid, PNG')).bytes.toString('latin1', 1, 4)).toBe('PNG');
});

test('takes back a token file that it saved', async ({ studio }) => {
  await studio.make({ class: 'Square', count: 1, seed: 6 });
  await studio.inspectNewest();
  const original = await tokensOf(studio, await inspected(studio));
  const file = await studio.host.download(async () => {
    await studio.page.getByRole('button', { name: 'Save', exact: true }).click();
    await studio.page.getByRole('menuitem', { name: 'safetensors' }).click();
  });
  await studio.drop({ ...file, type: '' });
  await expect.poll(() => inspected(studio)).not.toBe(original.sheet.item.id);
  expect((await tokensOf(studio, await inspected(studio))).codes).toEqual(original.codes);
});

// What training/export_codec.py made of models of transformers with random weights.
for (const { made, codec, positions } of [
  { made: 'an EncodecModel', codec: 'tiny-codec', positions: 250 },
  { made: 'a DacModel', codec: 'tiny-dac', positions: 334 },
]) {
  test(`takes a clip in as a sound by ${made}: its waveform, its depths, and what is selected`, async ({ data, launch }) => {
    await cp(path.resolve('test/fixtures/codecs', codec), path.join(data.models, codec), { recursive: true });
    const studio = await launch();
    await studio.page.getByRole('link', { name: 'Inspect', exact: true }).click();
    await expect(studio.page.getByRole('heading', { name: 'Inspect tokens' })).toBeVisible();
    const samples = Float32Array.from({ length: 2000 }, (_, n) => 0.5 * Math.sin((2 * Math.PI * 440 * n) / 8000));
    await studio.drop({ name: 'clip.wav', bytes: Buffer.from(toWav(samples, 8000)), type: 'audio/wav' });
    await expect(studio.page.getByRole('heading', { level: 1 })).toHaveText('clip.wav');
    await expect(studio.inspectedPicture).toHaveAccessibleName('clip.wav, All depths');
    await expect(studio.inspectedPicture.locator('canvas').first()).toBeVisible();
    await expect(studio.page.getByText('0.00 of 0.25 s')).toBeVisible();

    // A click goes to a moment, and another depth stays there.
    const box = await studio.inspectedPicture.boundingBox();
    await studio.inspectedPicture.click({ position: { x: (box?.width ?? 0) * 0.4, y: 40 } });
    await expect(studio.page.getByText('0.10 of 0.25 s')).toBeVisible();
    await studio.page.getByRole('slider', { name: 'Depth', exact: true }).fill('1');
    await expect(studio.inspectedPicture).toHaveAccessibleName('clip.wav, Depths 1 to 1');
    await expect(studio.page.getByText('0.10 of 0.25 s')).toBeVisible();
    await expect(studio.page.getByRole('button', { name: 'Play what depth 1 added' })).toBeVisible();
    await expect(studio.page.getByRole('img', { name: /^Mel distance to full depth: .* dB at 1, 0 dB at 4/ })).toBeVisible();

    // A drag over the first fifth of the positions, each of which has four tokens.
    await regionOfPicture(studio, { x: 0.002, y: 0.5 }, { x: 0.199, y: 0.5 });
    await expect(studio.page.getByRole('complementary')).toContainText(`${4 * Math.ceil(0.199 * positions)} tokens`);
  });
}

for (const theme of ['Light', 'Dark'] as const) {
  test(`${theme.toLowerCase()}: nothing serious for axe in any tab of the inspector`, async ({ studio }, info) => {
    await studio.openSettings();
    await studio.page.getByRole('radiogroup', { name: 'Theme' }).getByText(theme, { exact: true }).click();
    await studio.openImages();
    await studio.make({ class: 'Circle', count: 2, seed: 1 });
    await studio.page.getByRole('link', { name: 'Inspect', exact: true }).click();
    await expect(studio.page.getByRole('list', { name: 'Recent items' }).getByRole('link')).toHaveCount(2);
    const check = async (name: string) => {
      await info.attach(`inspector-${name}-${theme}.png`, {
        body: await studio.page.screenshot({ animations: 'disabled' }),
        contentType: 'image/png',
      });
      // Electron has no other page in which axe could run its parts.
      const { violations } = await new AxeBuilder({ page: studio.page }).setLegacyMode(true).analyze();
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect(
        serious.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`)),
        `axe on ${name}`,
      ).toEqual([]);
    };
    await check('recent');
    await studio.page.getByRole('list', { name: 'Recent items' }).getByRole('link').first().click();
    await expect(studio.tokenGrid).toBeVisible();
    for (const tool of ['Depth', 'Replay', 'Codebook', 'Compare', 'Edit'] as const) {
      await studio.openTool(tool);
      await check(tool.toLowerCase());
    }
  });
}

async function newestItems(studio: StudioPage): Promise<[string, string]> {
  const { items } = await studio.call('items.list', { limit: 2, before: null, kind: null, search: '' });
  const [newest, older] = items;
  if (!newest || !older) throw new Error('There are no two items.');
  return [newest.id, older.id];
}

/** What the picture shows now, as something that can be compared. */
async function pixelsOf(studio: StudioPage): Promise<string> {
  // One pixel wide until the first picture is drawn.
  const url = () =>
    studio.inspectedPicture.locator('canvas').evaluate((canvas: HTMLCanvasElement) => (canvas.width > 1 ? canvas.toDataURL() : ''));
  await expect.poll(url).not.toBe('');
  return url();
}

/** Drags a slider's handle to an end: 0 the left one, 1 the right one. */
async function dragTo({ page }: StudioPage, slider: Locator, end: 0 | 1): Promise<void> {
  const box = await slider.boundingBox();
  if (!box) throw new Error('The slider is not to be seen.');
  const [y, left, right] = [box.y + box.height / 2, box.x + 8, box.x + box.width - 8];
  await page.mouse.move(end === 0 ? right : left, y);
  await page.mouse.down();
  await page.mouse.move((left + right) / 2, y, { steps: 5 });
  await page.mouse.move(end === 0 ? left - 8 : right + 8, y, { steps: 5 });
  await page.mouse.up();
}

/** Drags over the picture, from one place to another in shares of its sides. */
async function regionOfPicture(studio: StudioPage, from: { x: number; y: number }, to: { x: number; y: number }): Promise<void> {
  const box = await studio.inspectedPicture.boundingBox();
  if (!box) throw new Error('The picture is not to be seen.');
  const at = ({ x, y }: { x: number; y: number }) => [box.x + x * box.width, box.y + y * box.height] as const;
  await studio.page.mouse.move(...at(from));
  await studio.page.mouse.down();
  await studio.page.mouse.move(...at(to), { steps: 4 });
  await studio.page.mouse.up();
}
