import { cp } from 'node:fs/promises';
import path from 'node:path';
import { fromWav } from '../../src/contract/index.js';
import { speech, wavFile } from '../unit/studio/voices/signals.js';
import { seriousProblems } from './harness/axe.js';
import type { StudioPage } from './harness/studio-page.js';
import { expect, test } from './harness/test.js';
import { inspected, tokensOf } from './harness/tokens.js';
import { openVoices, signAndSave } from './harness/voices.js';

const clip = { name: 'ada.wav', bytes: Buffer.from(wavFile(speech({ seconds: 8 })).bytes), type: 'audio/wav' };

test.beforeEach(async ({ data }) => {
  await cp(path.resolve('test/fixtures/speech/tiny-voice'), path.join(data.models, 'tiny-voice'), { recursive: true });
});

async function openSpeak({ page }: StudioPage): Promise<void> {
  await page.getByRole('link', { name: 'Speak', exact: true }).click();
}

async function addVoice(studio: StudioPage): Promise<void> {
  await openVoices(studio);
  await studio.drop(clip);
  await signAndSave(studio, 'Ada');
}

test('says a text sentence by sentence, rolls one of them again, plays, saves, deletes and undoes', async ({ launch }) => {
  const studio = await launch();
  const { page, host } = studio;
  await addVoice(studio);
  await openSpeak(studio);
  const panel = page.getByRole('form', { name: 'New speech' });
  await panel.getByRole('textbox').first().fill('Hello world. [pause 0.5s] It is the 2nd of May.');
  await expect(panel.getByText(/About \d+ s|about \d+ s|\d+ seconds/i).first()).toBeVisible();
  await panel.getByRole('button', { name: /^Speak/ }).click();
  const sentences = page.getByRole('list', { name: 'Sentences' });
  await expect(sentences.getByRole('button', { name: /^Say sentence/ })).toHaveCount(2);
  await expect(sentences).toContainText('Hello');

  const items = async () => (await studio.call('items.list', { limit: 10, before: null, kind: 'speech', search: '' })).items;
  await expect.poll(async () => (await items()).length).toBe(2);
  const before = await items();
  expect(before.map(({ recipe }) => recipe.speech?.text).sort()).toEqual(['Hello world.', 'It is the 2nd of May.']);
  await sentences.getByRole('button', { name: 'Say sentence 1 again' }).click();
  await expect.poll(async () => (await items()).filter(({ id }) => !before.some((item) => item.id === id)).length).toBe(1);
  expect(await items()).toHaveLength(2);

  await page
    .getByRole('button', { name: /^(Play|Pause)$/ })
    .first()
    .waitFor();
  const saved = async (format: string): ReturnType<typeof host.download> => {
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    return host.download(() => page.getByRole('menuitem', { name: format }).click());
  };
  const file = await saved('WAV');
  expect(file.name).toMatch(/^Hello world.*\.wav$/);
  const { sampleRate, samples } = fromWav(file.bytes);
  expect(sampleRate).toBe(8000);
  // Two sentences, and the pause that was written.
  expect(samples.length / sampleRate).toBeGreaterThan(1);
  expect(file.bytes.toString('latin1')).toContain('Synthetic: made by a machine with ResGen Studio');

  await page.getByRole('button', { name: 'Delete the take' }).click();
  await expect.poll(async () => (await items()).length).toBe(0);
  await studio.messages.getByRole('button', { name: 'Undo' }).click();
  await expect.poll(async () => (await items()).length).toBe(2);
});

test('a take plays on when the colours change, and to its end', async ({ launch }) => {
  const studio = await launch();
  const { page } = studio;
  await addVoice(studio);
  await openSpeak(studio);
  const panel = page.getByRole('form', { name: 'New speech' });
  await panel.getByRole('textbox').first().fill('It is the second of May, and all of us are here.');
  await panel.getByRole('button', { name: /^Speak/ }).click();
  await page.getByRole('button', { name: 'Pause', exact: true }).waitFor();
  await page.emulateMedia({ colorScheme: 'dark' });
  const [, seconds] = /of (\d+\.\d) s/.exec((await page.getByText(/^\d+\.\d of \d+\.\d s$/).textContent()) ?? '') ?? [];
  await expect(page.getByText(`${seconds} of ${seconds} s`)).toBeVisible();
  await expect(page.getByRole('button', { name: 'Play', exact: true })).toBeVisible();
});

test('two takes are heard in turn from the same moment, in a narrow window too', async ({ launch }, info) => {
  const studio = await launch();
  const { page } = studio;
  await addVoice(studio);
  await openSpeak(studio);
  const panel = page.getByRole('form', { name: 'New speech' });
  await panel.getByRole('textbox').first().fill('Hello world. It is the second of May, and all of us are here.');
  await panel.getByRole('button', { name: /^Speak/ }).click();
  const rows = page.getByRole('button', { name: /^Hello world/ });
  await expect(page.getByRole('button', { name: /^Say sentence/ })).toHaveCount(2);
  await panel.getByRole('button', { name: /^Speak/ }).click();
  await expect(rows).toHaveCount(2);
  await expect(page.getByRole('button', { name: /^Say sentence/ })).toHaveCount(2);
  await page.getByRole('button', { name: 'Compare with the take in front' }).click();

  const comparison = page.getByRole('region', { name: 'Comparison of two takes' });
  await expect(comparison.getByRole('img')).toHaveCount(2);
  const clock = comparison.getByText(/^\d+\.\d of \d+\.\d s$/);
  const seconds = async (): Promise<number[]> => ((await clock.textContent()) ?? '').match(/\d+\.\d/g)?.map(Number) ?? [];
  await expect(comparison.getByRole('button', { name: 'Play' })).toBeEnabled();
  const [, lengthOfA = 0] = await seconds();
  await comparison.getByRole('img', { name: 'Waveform of take A' }).click();
  await expect.poll(async () => (await seconds())[0]).toBeGreaterThan(lengthOfA * 0.3);
  const [atA = 0] = await seconds();
  await page.keyboard.press('x');
  await expect(comparison.getByRole('radio', { name: 'B' })).toBeChecked();
  const [atB = 0, lengthOfB = 0] = await seconds();
  expect(Math.abs(atA / lengthOfA - atB / lengthOfB)).toBeLessThan(0.2);
  await comparison.getByRole('button', { name: 'Play' }).click();
  await expect.poll(async () => (await seconds())[0]).toBeGreaterThan(atB);
  await page.keyboard.press('x');
  await expect(comparison.getByRole('radio', { name: 'A' })).toBeChecked();
  expect(await seriousProblems(studio), 'axe on a comparison').toEqual([]);
  await info.attach('comparison.png', { body: await page.screenshot({ animations: 'disabled' }), contentType: 'image/png' });

  await page.setViewportSize({ width: 420, height: 800 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0);
  await expect(panel.getByRole('button', { name: /^Speak/ })).toBeInViewport();
  await comparison.getByRole('button', { name: 'End' }).click();
  await expect(page.getByRole('list', { name: 'Sentences' })).toBeVisible();
});

test('a voice is found by its name, played and chosen, by keys alone', async ({ launch }) => {
  const studio = await launch();
  const { page } = studio;
  await openVoices(studio);
  for (const name of 'Ada Bob Cleo Dan Eve Finn Gus'.split(' ')) {
    await studio.drop(clip);
    await signAndSave(studio, name);
  }
  await openSpeak(studio);
  const voices = page.getByRole('radiogroup', { name: 'Voice' });
  await expect(voices.getByRole('radio')).toHaveCount(7);
  await expect(voices.getByRole('button', { name: /^Play / })).toHaveCount(7);
  await page.getByRole('searchbox', { name: 'Search voices' }).fill('ada');
  await page.keyboard.press('Enter');
  await expect(voices.getByRole('radio', { name: 'Ada' })).toBeChecked();
  await page.keyboard.press('Escape');
  await expect(voices.getByRole('radio')).toHaveCount(7);
  await page.keyboard.press('ArrowUp');
  await expect(voices.getByRole('radio', { name: 'Bob' })).toBeChecked();
  const sound = page.waitForRequest(/clip\.wav/);
  await voices.getByRole('button', { name: 'Play Cleo' }).press('Enter');
  await sound;
  await expect(voices.getByRole('radio', { name: 'Bob' })).toBeChecked();
});

test('what was said is heard, looked at and saved in the library', async ({ launch }, info) => {
  const studio = await launch();
  const { page, host } = studio;
  await addVoice(studio);
  await openSpeak(studio);
  const panel = page.getByRole('form', { name: 'New speech' });
  await panel.getByRole('textbox').first().fill('Hello world. How are you?');
  await panel.getByRole('button', { name: /^Speak/ }).click();
  await expect(page.getByRole('link', { name: /^Inspect sentence/ })).toHaveCount(2);
  await page.getByRole('link', { name: 'Library', exact: true }).click();
  const items = page.getByRole('listbox', { name: 'Items' }).getByRole('option');
  await expect(items).toHaveCount(2);
  await expect(items.last()).toContainText('Hello world.');
  expect(await seriousProblems(studio), 'axe on sounds in the library').toEqual([]);
  await info.attach('library.png', { body: await page.screenshot({ animations: 'disabled' }), contentType: 'image/png' });
  const sound = page.waitForRequest(/sound\.wav/);
  await items.last().locator('.play').click();
  await sound;
  await items.last().click();
  const viewer = page.getByRole('dialog');
  await expect(viewer.getByRole('button', { name: /^(Play|Pause)$/ })).toBeEnabled();
  await expect(viewer.getByText(/^0\.0 of \d+\.\d s$/)).toBeVisible();
  expect(await seriousProblems(studio), 'axe on a sound').toEqual([]);
  await info.attach('sound.png', { body: await page.screenshot({ animations: 'disabled' }), contentType: 'image/png' });
  await viewer.getByRole('button', { name: 'Save' }).click();
  const file = await host.download(() => viewer.getByRole('menuitem', { name: /WAV/ }).click());
  expect(file.name).toBe('Hello world.wav');
  expect(fromWav(file.bytes).sampleRate).toBe(8000);
});

test('a sentence is held against the same one said faster, and beside itself in the other order of reveal', async ({ launch }, info) => {
  const studio = await launch();
  const { page } = studio;
  await addVoice(studio);
  const [voice] = await studio.call('voices.list', null);
  const [model] = (await studio.call('models.list', null)).filter(({ id }) => id === 'tiny-voice');
  const sampling = model?.manifest?.presets[0]?.sampling;
  if (!voice || !sampling) throw new Error('There is no voice or no model.');
  const items = async () => (await studio.call('items.list', { limit: 10, before: null, kind: 'speech', search: '' })).items;
  for (const [n, speed] of [1, 2].entries()) {
    const text = 'Hello world, how are you?';
    await studio.call('speech.say', { model: 'tiny-voice', voice: voice.id, text, seed: 3, sampling, speed });
    await expect.poll(async () => (await items()).length).toBe(n + 1);
  }
  const [fast, slow] = await items();
  const { L } = (await tokensOf(studio, fast?.id ?? '')).sheet;
  await page.evaluate((id) => (location.hash = `#/inspector/${id}`), slow?.id);
  await expect(studio.tokenGrid).toBeVisible();

  await studio.openTool('Compare');
  await page.getByRole('radiogroup', { name: 'Item to compare with' }).getByRole('radio').first().check({ force: true });
  await expect(page.getByText(/held against each other by the phones that both say/)).toBeVisible();
  await expect(page.getByRole('radiogroup', { name: 'View' }).getByRole('radio')).toHaveCount(2);
  await expect(page.getByRole('button', { name: 'Play This item' })).toBeVisible();
  await expect(page.getByRole('button', { name: /^Play Hello world/ })).toHaveCount(1);
  const words = page.getByRole('toolbar', { name: 'Words' });
  await words.last().getByRole('button', { name: 'world' }).click();
  await studio.tokenGrid.focus();
  await page.keyboard.press('s');
  // The other one stands at the left with its own length and its own words, of which the same one is chosen.
  await expect(page.getByText(`of ${(L * 0.01).toFixed(2)} s`)).toBeVisible();
  await expect(words.first().getByRole('button', { pressed: true })).toHaveText(['world,']);
  expect(await seriousProblems(studio), 'axe on sounds compared').toEqual([]);
  await info.attach('compare.png', { body: await page.screenshot({ animations: 'disabled' }), contentType: 'image/png' });

  await studio.openTool('Replay');
  await page.getByRole('button', { name: 'Hear it revealed in random order' }).click();
  await expect(page.getByText('Same seed, in random order')).toBeVisible();
  await page.getByRole('slider', { name: 'Step of the generation' }).fill('2');
  await expect(page.getByRole('button', { name: 'Play this one at step 2' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Play the other one at step 2' })).toBeVisible();
  const other = (await items()).find(({ recipe }) => recipe.sampling?.reveal === 'random');
  expect(other?.recipe).toMatchObject({ verb: 'edit', seed: 3, speech: { text: 'Hello world, how are you?' } });
  expect(await seriousProblems(studio), 'axe on speech beside itself').toEqual([]);
  await info.attach('beside.png', { body: await page.screenshot({ animations: 'disabled' }), contentType: 'image/png' });

  await studio.openTool('Codebook');
  const near = page.getByRole('list', { name: /^Code \d+ and the codes nearest to it$/ });
  await expect(near.getByRole('button', { name: /^Play what code/ })).toHaveCount(7);
  await info.attach('codebook.png', { body: await page.screenshot({ animations: 'disabled' }), contentType: 'image/png' });

  const steps = await studio.host.download(async () => {
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Unmasking, WAV' }).click();
  });
  expect(steps.name).toMatch(/steps\.wav$/);
  expect(steps.bytes.toString('latin1')).toContain('Synthetic: made by a machine with ResGen Studio');
});

test('words that are chosen in the inspector are said anew, and all others stay as they are', async ({ launch }, info) => {
  const studio = await launch();
  const { page } = studio;
  await addVoice(studio);
  await openSpeak(studio);
  const panel = page.getByRole('form', { name: 'New speech' });
  await panel.getByRole('textbox').first().fill('The printer ran out of paper just before noon.');
  await panel.getByRole('button', { name: /^Speak/ }).click();
  await page.getByRole('link', { name: 'Inspect sentence 1' }).click();
  const toolbars = page.getByRole('toolbar', { name: 'Words' });
  // Over the wave and over the grid.
  await expect(toolbars).toHaveCount(2);
  const words = toolbars.last();
  await expect(words.getByRole('button')).toHaveText(['The', 'printer', 'ran', 'out', 'of', 'paper', 'just', 'before', 'noon.']);
  await words.getByRole('button', { name: 'printer' }).click();
  await words.getByRole('button', { name: 'ran' }).click({ modifiers: ['Shift'] });
  await page.keyboard.press('ArrowRight');
  await expect(words.getByRole('button', { name: 'out' })).toBeFocused();
  await expect(toolbars.first().getByRole('button', { pressed: true })).toHaveText(['printer', 'ran']);
  await expect(page.getByText('printer ran', { exact: true })).toBeVisible();
  await info.attach('words.png', { body: await page.screenshot({ animations: 'disabled' }), contentType: 'image/png' });

  const title = (await words.getByRole('button', { name: 'printer' }).getAttribute('title')) ?? '';
  const [first = 0] = (/(\d+)–/.exec(title) ?? []).slice(1).map(Number);
  const before = await inspected(studio);
  await studio.openTool('Edit');
  await page.getByText('Inpaint', { exact: true }).click();
  await page.getByRole('button', { name: 'Make a new item' }).click();
  await expect.poll(() => inspected(studio)).not.toBe(before);
  const old = await tokensOf(studio, before);
  const made = await tokensOf(studio, await inspected(studio));
  const { L, D } = old.sheet;
  const changed = Array.from({ length: L }, (_, i) => i).filter((i) =>
    old.codes.slice(i * D, (i + 1) * D).some((code, j) => code !== made.codes[i * D + j]),
  );
  expect(changed.length).toBeGreaterThan(0);
  const last = Number(/–(\d+)/.exec((await words.getByRole('button', { name: 'ran' }).getAttribute('title')) ?? '')?.[1]);
  expect(Math.min(...changed)).toBeGreaterThanOrEqual(first);
  expect(Math.max(...changed)).toBeLessThanOrEqual(last);
});

test('says why a text can’t be said, and what is missing before one can be', async ({ launch }) => {
  const studio = await launch();
  const { page } = studio;
  await openSpeak(studio);
  const panel = page.getByRole('form', { name: 'New speech' });
  await panel.getByRole('textbox').first().fill('Привет');
  await expect(panel.getByText(/Latin letters|alphabet|English/)).toBeVisible();
  await expect(panel.getByRole('button', { name: /^Speak/ })).toBeDisabled();
  await expect(panel.getByRole('link', { name: 'Record or import one' })).toBeVisible();
});

for (const theme of ['Light', 'Dark'] as const) {
  test(`${theme.toLowerCase()}: nothing serious for axe on the Speak page`, async ({ launch }, info) => {
    const studio = await launch();
    await studio.openSettings();
    await studio.page.getByRole('radiogroup', { name: 'Theme' }).getByText(theme, { exact: true }).click();
    await addVoice(studio);
    await openSpeak(studio);
    const check = async (name: string) => {
      await info.attach(`speak-${name}-${theme}.png`, {
        body: await studio.page.screenshot({ animations: 'disabled' }),
        contentType: 'image/png',
      });
      expect(await seriousProblems(studio), `axe on ${name}`).toEqual([]);
    };
    await check('empty');
    const panel = studio.page.getByRole('form', { name: 'New speech' });
    await panel.getByRole('textbox').first().fill('Hello world. How are you?');
    await panel.getByRole('button', { name: /^Speak/ }).click();
    await expect(studio.page.getByRole('list', { name: 'Sentences' }).getByRole('button', { name: /^Say sentence/ })).toHaveCount(2);
    await check('take');
  });
}

test('speech waits, pauses, goes on and stops in the one queue, on both pages', async ({ launch }) => {
  const studio = await launch();
  const { page } = studio;
  await addVoice(studio);
  await openSpeak(studio);
  const panel = page.getByRole('form', { name: 'New speech' });
  await panel.getByRole('textbox').first().fill('Fine. '.repeat(300));
  await panel.getByRole('button', { name: /^Speak/ }).click();
  await page.getByRole('button', { name: 'Pause saying' }).click();
  const queue = page.getByRole('list', { name: 'Queue' });
  await expect(queue).toContainText(/Paused after \d+ of 300 sentences/);
  await panel.getByRole('textbox').first().fill('One more.');
  await panel.getByRole('button', { name: /^(Speak|Add to queue)/ }).click();

  await page.getByRole('link', { name: 'Images', exact: true }).click();
  await queue.getByRole('button', { name: /^Resume Fine\./ }).click();
  await expect(queue).toContainText(/Saying · \d+ of 300 sentences done/);
  await queue.getByRole('button', { name: /^Pause Fine\./ }).click();
  await expect(queue).toContainText(/Paused after/);
  await queue.getByRole('button', { name: /^Cancel Fine\./ }).click();
  await expect(queue).toContainText(/Stopped after \d+ of 300 sentences/);
  await queue.getByRole('button', { name: /^Continue Fine\./ }).click();
  await expect(queue).toContainText(/Saying · \d+ of 300 sentences done/);

  await openSpeak(studio);
  await panel.getByRole('textbox').first().fill('The last one.');
  await panel.getByRole('button', { name: /^(Speak|Add to queue)/ }).click();
  await queue.getByRole('button', { name: 'Cancel all 2' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Keep' }).click();
  await queue.getByRole('button', { name: 'Cancel all 2' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel 2 jobs' }).click();
  await expect(queue).toBeHidden();
  await expect(page.getByRole('button', { name: 'Continue' }).first()).toBeVisible();
});
