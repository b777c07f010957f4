import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fromWav, toWav } from '../../src/contract/index.js';
import { readOgg } from '../../src/studio/audio/ogg.js';
import { openVoices, signAndSave } from './harness/voices.js';
import { expect, test } from './harness/test.js';

// Thirteen seconds of a reader whom the model never heard; see the README beside it.
const reader = path.resolve('test/fixtures/sounds/reader.ogg');
const spoken = path.join(mkdtempSync(path.join(os.tmpdir(), 'resgen-microphone-')), 'reader.wav');
test.use({ microphone: spoken });

const TEXT = 'Please put the blue folder on the shelf above the printer.';
const MOST_WRONG = 0.3;

test('the shipped model: a recorded voice says a text that a recogniser understands', async ({ launch, data }) => {
  test.setTimeout(180_000);
  const python = process.env['RESGEN_RECOGNISER'];
  if (python === undefined)
    process.stdout.write('Skipped: no recogniser of speech is installed, which a run of the whole suite installs.\n');
  test.skip(python === undefined);
  const { channels, sampleRate } = await readOgg(readFileSync(reader), 60);
  writeFileSync(spoken, toWav(channels[0] ?? new Float32Array(), sampleRate));
  await cp(path.resolve('resources/models/voice-en'), path.join(data.models, 'voice-en'), { recursive: true });
  const studio = await launch();
  const { page, host } = studio;
  await openVoices(studio);
  await page.getByRole('button', { name: 'Try the microphone' }).click();
  await page.getByRole('button', { name: 'Record', exact: true }).click();
  await expect
    .poll(() => page.getByRole('progressbar', { name: 'Seconds recorded' }).getAttribute('value').then(Number), { timeout: 30_000 })
    .toBeGreaterThan(9);
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
  const until = page.getByRole('spinbutton', { name: 'To' });
  await until.fill('8');
  await until.blur();
  await signAndSave(studio, 'Reader');

  await page.getByRole('link', { name: 'Speak', exact: true }).click();
  const panel = page.getByRole('form', { name: 'New speech' });
  await panel.getByRole('textbox').first().fill(TEXT);
  await panel.getByRole('button', { name: /^Speak/ }).click();
  // It plays by itself once it is made.
  await expect(page.getByRole('button', { name: 'Pause', exact: true })).toBeVisible({ timeout: 90_000 });
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  const file = await host.download(() => page.getByRole('menuitem', { name: 'WAV' }).click());
  expect(fromWav(file.bytes).sampleRate).toBe(16_000);
  const saved = path.join(path.dirname(spoken), 'said.wav');
  writeFileSync(saved, file.bytes);
  const heard = execFileSync(python ?? '', ['-m', 'training.whisper', saved], { encoding: 'utf8' });
  expect(wordErrorRate(words(TEXT), words(heard)), heard).toBeLessThanOrEqual(MOST_WRONG);
});

function words(text: string): string[] {
  return text.toLowerCase().match(/[a-z']+/g) ?? [];
}

/** Substitutions, deletions and insertions of the shortest way from what was said to what was heard, for each word that was said. */
function wordErrorRate(said: readonly string[], heard: readonly string[]): number {
  let row = heard.map((_, j) => j + 1);
  row.unshift(0);
  for (const [i, word] of said.entries()) {
    const next = [i + 1];
    for (const [j, other] of heard.entries()) {
      next.push(Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (word === other ? 0 : 1)));
    }
    row = next;
  }
  return (row.at(-1) ?? 0) / said.length;
}
