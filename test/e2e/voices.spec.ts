import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { unzipSync } from 'fflate';
import { fromWav, VOICE_RATE } from '../../src/contract/index.js';
import { floatWav, speech, wavFile } from '../unit/studio/voices/signals.js';
import { openVoices, signAndSave } from './harness/voices.js';
import { seriousProblems } from './harness/axe.js';
import { ElectronHost } from './harness/electron-host.js';
import { expect, test } from './harness/test.js';

// Fourteen seconds, so that no recording here hears it begin again.
const spoken = path.join(mkdtempSync(path.join(os.tmpdir(), 'resgen-microphone-')), 'spoken.wav');
writeFileSync(spoken, wavFile(speech({ seconds: 14 })).bytes);
test.use({ microphone: spoken });

const clip = { name: 'ada.wav', bytes: Buffer.from(wavFile(speech({ seconds: 8 })).bytes), type: 'audio/wav' };

test('records a voice, trims it, agrees, plays, renames, exports and deletes it', async ({ studio }) => {
  const { page, host } = studio;
  await openVoices(studio);
  await expect(page.getByText('No voices yet')).toBeVisible();

  await page.getByRole('button', { name: 'Try the microphone' }).click();
  await expect(page.getByRole('meter', { name: 'Level' })).toHaveAttribute('aria-valuetext', /Good|Quiet/);
  await expect(page.getByLabel('Microphone').getByRole('option')).not.toHaveCount(1);
  await page.getByRole('button', { name: 'Record', exact: true }).click();
  await expect(page.getByText(/^Begin in \d…$/)).toBeVisible();
  await expect(page.getByText('Stop whenever the text is read.')).toBeVisible();
  await expect
    .poll(() => page.getByRole('progressbar', { name: 'Seconds recorded' }).getAttribute('value').then(Number))
    .toBeGreaterThan(5.5);
  await page.getByRole('button', { name: 'Stop', exact: true }).click();

  const found = page.getByRole('list', { name: 'What was found in the clip' });
  await expect(found).toHaveText('Nothing is wrong with this clip.');
  await expect(page.getByRole('img', { name: /^Waveform and spectrogram/ })).toBeVisible();
  const save = page.getByRole('button', { name: 'Agree and save' });
  await expect(save).toBeDisabled();

  // Too little is refused, and the part can be made longer again.
  const until = page.getByRole('spinbutton', { name: 'To' });
  await until.fill('2');
  await until.blur();
  await expect(found).toContainText(/^The clip is [12]\.\d s long, and a voice takes at least 3/);
  await expect(save).toBeDisabled();
  await until.fill('4.5');
  await until.blur();
  await expect(found).not.toContainText('at least 3');
  await signAndSave(studio, 'Ada');

  const [voice] = await studio.call('voices.list', null);
  expect(voice?.seconds).toBeGreaterThan(3.5);
  expect(voice?.seconds).toBeLessThan(4.6);
  expect(voice?.consent.sentence).toMatch(/^I, Ada Byron, am the person who speaks in this clip/);

  const row = page.getByRole('listitem', { name: 'Ada' });
  await row.getByRole('button', { name: 'Play Ada' }).click();
  await expect(row.getByRole('button', { name: 'Stop' })).toBeVisible();
  await expect.poll(() => row.locator('audio').evaluate((audio: HTMLAudioElement) => audio.currentTime)).toBeGreaterThan(0.2);
  await row.getByRole('button', { name: 'Stop' }).click();

  await row.getByRole('button', { name: 'Rename Ada' }).click();
  await row.getByLabel('New name of Ada').fill('Countess');
  await page.keyboard.press('Enter');
  const renamed = page.getByRole('listitem', { name: 'Countess' });
  await expect(renamed).toBeVisible();

  const file = await host.download(() => renamed.getByRole('button', { name: 'Export Countess' }).click());
  expect(file.name).toBe('Countess.zip');
  const inside = unzipSync(new Uint8Array(file.bytes));
  const { sampleRate, samples } = fromWav(inside['Countess.wav'] ?? new Uint8Array());
  expect(sampleRate).toBe(VOICE_RATE);
  // What was played into the microphone, as loud as it was.
  expect(Math.max(...samples.map(Math.abs))).toBeGreaterThan(0.2);
  expect(JSON.parse(new TextDecoder().decode(inside['Countess.json']))).toMatchObject({ name: 'Countess', consent: voice?.consent });

  await renamed.getByRole('button', { name: 'Delete Countess' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Keep' }).click();
  await expect(renamed).toBeVisible();
  await renamed.getByRole('button', { name: 'Delete Countess' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(renamed).toBeHidden();
  await studio.messages.getByRole('button', { name: 'Undo' }).click();
  await expect(renamed).toBeVisible();
  await renamed.getByRole('button', { name: 'Delete Countess' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByText('Trash (1)').click();
  await page.getByRole('button', { name: 'Delete Countess for good' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete for good' }).click();
  await expect(page.getByText('Trash (1)')).toBeHidden();
  expect(await studio.call('voices.list', null)).toEqual([]);
});

test('takes a dropped file, says what is wrong with it, and keeps it over a change of page', async ({ studio }) => {
  const { page } = studio;
  await openVoices(studio);
  await studio.drop({ name: 'text.wav', bytes: Buffer.from('No sound at all.'), type: 'audio/wav' });
  await expect(studio.messages).toContainText('“text.wav” is not a sound that can be read');
  const loud = speech({ seconds: 6 }).map((sample) => Math.max(-1, Math.min(1, 5 * sample)));
  await studio.drop({ name: 'loud.wav', bytes: Buffer.from(floatWav([loud, loud], VOICE_RATE)), type: 'audio/wav' });
  const found = page.getByRole('list', { name: 'What was found in the clip' });
  await expect(found).toContainText('The sound is too loud and cut off at the top');
  await studio.openImages();
  await openVoices(studio);
  await expect(found).toContainText('The sound is too loud');
  await page.getByRole('button', { name: 'Start over' }).click();
  await expect(page.getByRole('button', { name: 'Record', exact: true })).toBeVisible();
  await studio.messages.getByRole('button', { name: 'Undo' }).click();
  await expect(found).toContainText('The sound is too loud');
  // It may be kept all the same.
  await signAndSave(studio, 'Loud');
});

test('an M4A file is read where the window can read one, and else is refused with what to do', async ({ studio }) => {
  const { page } = studio;
  await openVoices(studio);
  const bytes = readFileSync(path.join('test', 'fixtures', 'sounds', 'tone.m4a'));
  await studio.drop({ name: 'memo.m4a', bytes, type: 'audio/mp4' });
  // Playwright's own Chromium has no AAC; Electron has, and most browsers.
  if (await page.evaluate(() => MediaSource.isTypeSupported('audio/mp4; codecs="mp4a.40.2"')))
    await expect(page.getByRole('list', { name: 'What was found in the clip' })).toContainText('a voice takes at least 3');
  else await expect(studio.messages).toContainText('“memo.m4a” is an M4A or MP4 file');
});

test('a part is chosen by dragging the edge of the region', async ({ studio }) => {
  const { page } = studio;
  await openVoices(studio);
  await studio.drop(clip);
  const stage = page.getByRole('img', { name: /^Waveform and spectrogram/ });
  await expect(page.getByRole('list', { name: 'What was found in the clip' })).toHaveText('Nothing is wrong with this clip.');
  const until = page.getByRole('spinbutton', { name: 'To' });
  const before = Number(await until.inputValue());
  const box = await stage.boundingBox();
  if (!box) throw new Error('The waveform has no box.');
  const edge = box.x + (box.width * before) / 8 - 3;
  await page.mouse.move(edge, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(edge - box.width / 4, box.y + 40, { steps: 8 });
  await page.mouse.up();
  await expect.poll(async () => before - Number(await until.inputValue())).toBeGreaterThan(1.5);
  await expect(page.getByRole('list', { name: 'What was found in the clip' })).toHaveText('Nothing is wrong with this clip.');
});

for (const label of ['Light', 'Dark']) {
  const theme = label.toLowerCase();
  test(`${theme}: nothing serious for axe in any state of the page`, async ({ studio }, info) => {
    const { page } = studio;
    await studio.openSettings();
    await page.getByRole('radiogroup', { name: 'Theme' }).getByText(label, { exact: true }).click();
    await expect(page.locator('html')).toHaveAttribute('data-theme', theme);
    await openVoices(studio);
    const check = async (name: string) => {
      await info.attach(`voices-${name}-${theme}.png`, {
        body: await page.screenshot({ animations: 'disabled' }),
        contentType: 'image/png',
      });
      expect(await seriousProblems(studio), `axe on ${name}`).toEqual([]);
    };
    await check('empty');
    await page.keyboard.press('r');
    await expect(page.getByText(/^(Read on…|Stop whenever)/)).toBeVisible();
    await check('recording');
    await page.keyboard.press('r');
    await expect(page.getByRole('list', { name: 'What was found in the clip' })).toHaveAttribute('aria-busy', 'false');
    const until = page.getByRole('spinbutton', { name: 'To' });
    await until.fill('1');
    await until.blur();
    await expect(page.getByRole('list', { name: 'What was found in the clip' })).toContainText('at least 3');
    await check('too-short');
    await studio.drop(clip);
    await expect(page.getByRole('list', { name: 'What was found in the clip' })).toHaveText('Nothing is wrong with this clip.');
    await signAndSave(studio, 'Ada');
    await page.getByText(/^Agreed /).click();
    await check('saved');
    await page.getByRole('button', { name: 'Delete Ada' }).click();
    await check('asking');
  });
}

test('a refused microphone is said in words, and a file still works', async ({ studio }) => {
  const { page, host } = studio;
  test.skip(!(host instanceof ElectronHost), 'in a browser the question is the browser’s');
  await (host as ElectronHost).app.evaluate(({ session }) =>
    session.defaultSession.setPermissionRequestHandler((_contents, _permission, decide) => decide(false)),
  );
  await openVoices(studio);
  await page.getByRole('button', { name: 'Record', exact: true }).click();
  await expect(page.getByRole('alert')).toContainText('The system does not let the studio use the microphone. Allow it');
  await expect(page.getByRole('button', { name: 'Record', exact: true })).toBeEnabled();
  await studio.drop(clip);
  await signAndSave(studio, 'Ada');
});
