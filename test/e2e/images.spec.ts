import sharp from 'sharp';
import { expect, test } from './harness/test.js';

test('opens on a form that says what to do first', async ({ studio }) => {
  await expect(studio.page).toHaveTitle('ResGen Studio');
  await expect(studio.page.getByRole('heading', { name: 'Pick something to draw' })).toBeVisible();
  await expect(studio.generateButton).toBeDisabled();
});

test('a first start leads through three steps by keyboard, each of which can be skipped, once', async ({ launch, host }) => {
  const first = await launch();
  const welcome = first.page.getByRole('region', { name: 'Welcome to ResGen Studio' });
  await expect(welcome).toContainText('Step 1 of 3');
  const { dataFolder } = await first.call('app.info', null);
  // What a browser is shown may be of another machine.
  expect(dataFolder === null).toBe(host === 'browser');
  await expect(welcome).toContainText(dataFolder ?? 'Step 1 of 3');
  // With a window of its own, the studio loads the model as it opens.
  if (host === 'browser') await welcome.getByRole('button', { name: 'Check now' }).press('Enter');
  await expect(welcome).toContainText(/Processor \(CPU\), .* a step/);
  await welcome.getByRole('combobox', { name: 'Run on' }).selectOption('cpu');
  await expect.poll(async () => (await first.call('settings.get', null)).provider).toBe('cpu');
  await welcome.getByRole('button', { name: 'Next' }).press('Enter');

  await expect(welcome.getByRole('heading', { name: 'Step 2 of 3' })).toBeFocused();
  await first.page.keyboard.press('Tab');
  await expect(welcome.getByRole('button', { name: 'Make a few samples' })).toBeFocused();
  await first.page.keyboard.press('Enter');
  await expect(welcome).toContainText('They come in below');
  await expect(first.pictures).toHaveCount(3);
  await welcome.getByRole('button', { name: 'Skip' }).press('Enter');

  await expect(welcome.getByRole('heading', { name: 'Step 3 of 3' })).toBeFocused();
  await expect(welcome.getByRole('link', { name: 'Record a voice' })).toBeVisible();
  await welcome.getByRole('button', { name: 'Add the sample voice' }).press('Enter');
  await expect(welcome).toContainText('The sample voice is among your voices');
  expect((await first.call('voices.list', null)).map(({ name }) => name)).toEqual(['Sample voice']);
  await welcome.getByRole('button', { name: 'Back' }).press('Enter');
  await expect(welcome).toContainText('Step 2 of 3');
  await welcome.getByRole('button', { name: 'Skip' }).press('Enter');
  await welcome.getByRole('button', { name: 'Skip' }).press('Enter');
  await expect(welcome).toBeHidden();
  await first.host[Symbol.asyncDispose]();

  const second = await launch();
  await expect(second.pictures).toHaveCount(3);
  await expect(second.page.getByRole('region', { name: 'Welcome to ResGen Studio' })).toBeHidden();
});

test('makes pictures of a class, with previews and progress on the way', async ({ studio }) => {
  // So many that a slow machine, too, finds it running when it comes to the click.
  await studio.start({ class: 'Square', count: 1000, seed: 7 });
  await expect(studio.progress).toBeVisible();
  await expect(studio.previews.first()).toBeVisible();
  await expect.poll(() => studio.page.getByText(/Step \d+ of 8/).count()).toBe(1);
  await studio.stopButton.click();
  await expect(studio.stopButton).toBeHidden();

  await studio.setSeed(1000);
  await studio.setCount(2);
  await studio.generateButton.click();
  await expect(studio.pictures.first()).toHaveAccessibleName('Square, seed 1001');
  await expect(studio.pictures.nth(1)).toHaveAccessibleName('Square, seed 1000');
});

test('stops a long job and keeps what was finished', async ({ studio }) => {
  await studio.start({ class: 'Circle', count: 1000, seed: 1 });
  await expect(studio.pictures.first()).toBeVisible();
  await studio.stopButton.click();
  await expect(studio.page.getByRole('list', { name: 'Queue' })).toContainText(/Stopped after \d+ of 1,000 pictures/);

  const [job] = await studio.call('jobs.list', null);
  expect(job?.state).toBe('cancelled');
  expect(job?.done).toBeGreaterThan(0);
  const { total } = await studio.call('items.list', { limit: 1, before: null, kind: null, search: '' });
  expect(total).toBe(job?.done);
});

test('a seed gives the same picture again, alone or among others', async ({ studio }) => {
  await studio.make({ class: 'Triangle', count: 5, seed: 40 });
  const among = await studio.saveNewest('PNG');
  await studio.setCount(1);
  await studio.setSeed(44);
  await studio.generateButton.click();
  await expect(studio.pictures).toHaveCount(6);
  const alone = await studio.saveNewest('PNG');
  expect(await pixelsOf(alone.bytes)).toEqual(await pixelsOf(among.bytes));
});

test('a saved picture carries its recipe, and dropping it restores the form', async ({ studio }) => {
  await studio.choosePreset('Fast');
  await studio.make({ class: 'Circle', count: 1, seed: 4_000_000_000 });
  const file = await studio.saveNewest('PNG');
  expect(file.name).toMatch(/\.png$/);
  expect(file.bytes.toString('latin1')).toContain('parameters');

  await studio.page.getByRole('button', { name: 'Remove Circle' }).click();
  await studio.chooseClass('Square');
  await studio.setSeed(5);
  await studio.choosePreset('Best');

  await studio.drop({ ...file, type: 'image/png' });
  await expect(studio.chosenClasses).toHaveAccessibleName('Remove Circle');
  await expect(studio.seed).toHaveValue('4000000000');
  await expect(studio.page.getByRole('radio', { name: /Fast/ })).toBeChecked();
  await studio.generateButton.click();
  await expect(studio.pictures).toHaveCount(2);
  const again = await studio.saveNewest('PNG');
  expect(await pixelsOf(again.bytes)).toEqual(await pixelsOf(file.bytes));
});

test('no recipe leaves with a file once the person turned that off', async ({ studio }) => {
  await studio.make({ class: 'Circle', count: 1, seed: 3 });
  await studio.openSettings();
  await studio.page.getByRole('switch', { name: 'Write the recipe into saved files' }).uncheck();
  await studio.openImages();
  const file = await studio.saveNewest('PNG');
  expect(file.bytes.toString('latin1')).not.toMatch(/parameters|Circle|seed/i);
});

test('several pictures leave as one zip, the contact sheet as one picture', async ({ studio }) => {
  await studio.make({ class: 'Square', count: 3, seed: 1 });
  await studio.page.getByRole('listbox', { name: 'Pictures' }).focus();
  await studio.page.keyboard.press('Control+a');
  const bar = studio.page.getByRole('toolbar', { name: 'Selected pictures' });
  const save = (format: string) =>
    studio.host.download(async () => {
      await bar.getByRole('button', { name: 'Save' }).click();
      await bar.getByRole('menuitem', { name: format }).click();
    });
  const zip = await save('WebP');
  expect(zip.name).toMatch(/\.zip$/);
  expect(zip.bytes.toString('latin1', 0, 2)).toBe('PK');
  const sheet = await save('Contact sheet');
  expect(sheet.name).toMatch(/\.png$/);
});

test('deleting can be undone', async ({ studio }) => {
  await studio.make({ class: 'Circle', count: 3, seed: 9 });
  await studio.page.getByRole('listbox', { name: 'Pictures' }).focus();
  await studio.page.keyboard.press('Control+a');
  await studio.page.keyboard.press('Delete');
  await expect(studio.pictures).toHaveCount(0);
  await studio.page.getByRole('button', { name: 'Undo' }).click();
  await expect(studio.pictures).toHaveCount(3);
});

test('the keyboard alone makes a picture', async ({ studio }) => {
  await expect(studio.classSearch).toBeVisible();
  await studio.page.keyboard.press('/');
  await studio.page.keyboard.type('tri');
  await studio.page.keyboard.press('Enter');
  await expect(studio.chosenClasses).toHaveAccessibleName('Remove Triangle');
  await studio.page.keyboard.press('Control+Enter');
  await expect(studio.pictures.first()).toHaveAccessibleName(/^Triangle, seed/);
});

test('a file that is no picture and a picture without a recipe are told apart', async ({ studio }) => {
  await expect(studio.classSearch).toBeVisible();
  await studio.drop({ name: 'notes.txt', bytes: Buffer.from('hello'), type: 'text/plain' });
  await expect(studio.messages).toContainText('notes.txt is not a PNG, JPEG or WebP picture.');
  await studio.drop({ name: 'broken.png', bytes: Buffer.from('not a picture'), type: 'image/png' });
  await expect(studio.messages).toContainText('broken.png');

  await studio.drop({ name: 'plain.png', bytes: ONE_PIXEL_PNG, type: 'image/png' });
  await studio.page.getByRole('dialog', { name: 'No recipe inside' }).getByRole('button', { name: 'Import picture' }).click();
  await expect(studio.pictures).toHaveCount(1);
  await expect(studio.pictures.first()).toHaveAccessibleName(/^plain\.png, imported/);
});

const ONE_PIXEL_PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
  'base64',
);

/** Two files of one picture differ in the time they name, so the pixels are compared. */
async function pixelsOf(png: Buffer): Promise<Buffer> {
  return sharp(png).raw().toBuffer();
}
