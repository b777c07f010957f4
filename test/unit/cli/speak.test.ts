import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { fromWav } from '../../../src/contract/index.js';
import { readTokenFile } from '../../../src/engine/tokens.js';
import { readMarks } from '../../../src/studio/sound-marks.js';
import { CONSENT, TINY_VOICE } from '../studio/speech/studio.js';
import { openStudio, temporaryFolder } from '../studio/support.js';
import { speech, wavFile } from '../studio/voices/signals.js';
import { buildCommandLine } from './build.js';
import { startResgen } from './harness.js';

let cli = '';
beforeAll(async () => {
  cli = await buildCommandLine('speak');
}, 60_000);

it('a clip or a voice says a text, with consent alone, and over no file that is there', { timeout: 240_000 }, async () => {
  const [data, folder] = [temporaryFolder(), temporaryFolder()];
  const clip = join(folder, 'ada.wav');
  writeFileSync(clip, wavFile(speech({ seconds: 4 })).bytes);
  const resgen = (...args: string[]) => startResgen(cli, args, { RESGEN_DATA: data, RESGEN_MODELS: join(TINY_VOICE, '..') });
  const out = join(folder, 'said.wav');
  const speak = (...args: string[]) => resgen('speak', '--model', 'tiny-voice', '--steps', '2', '--seed', '3', '--out', out, ...args);

  expect(await speak('--voice', clip, '--text', 'Fine.')).toMatchObject({
    code: 2,
    err: expect.stringContaining('only with the consent') as string,
  });
  const said = await speak('--voice', clip, '--consent', CONSENT, '--text', 'Fine. Fine.', '--json');
  expect(said).toMatchObject({ code: 0, err: expect.stringContaining('Made 2 of 2 sentences') as string });
  const result = JSON.parse(said.out) as { seconds: number };
  expect(result).toMatchObject({ file: out, seed: 3, model: 'tiny-voice', sentences: [{ text: 'Fine.', start: 0 }, { text: 'Fine.' }] });
  const wav = readFileSync(out);
  expect(readMarks(wav).synthetic).toBe(true);
  const { samples, sampleRate } = fromWav(wav);
  expect(samples.length / sampleRate).toBeCloseTo(result.seconds, 3);
  expect(await speak('--voice', clip, '--consent', CONSENT, '--text', 'Fine.')).toMatchObject({ code: 2, out: '' });
  // Nothing of a clip is kept.
  expect((await resgen('voices', 'list')).err).toContain('There are no voices yet');

  await resgen('voices', 'add', clip, '--name', 'Ada', '--consent', CONSENT);
  const text = join(folder, 'text.txt');
  writeFileSync(text, 'Fine. Fine.');
  expect(await speak('--voice', 'ada', '--file', text, '--overwrite')).toMatchObject({ code: 0, out: `${out}\n` });
  expect(fromWav(readFileSync(out)).samples).toEqual(samples);
  expect((await speak('--voice', 'Eve', '--text', 'Fine.', '--overwrite')).err).toContain('There is no voice “Eve”. There is: Ada.');
  expect((await speak('--voice', 'Ada', '--overwrite')).err).toContain('with --text or with --file');

  const listed = await resgen('library', 'list', '--voice', 'ada', '--search', 'fine');
  expect(listed).toMatchObject({ code: 0, err: '' });
  expect(listed.out).toMatch(/^(?:\w{21}  \d{4}-\d\d-\d\d  tiny-voice  Ada  Fine\.\n){2}$/);
  expect((await resgen('library', 'list', '--search', 'nothing')).err).toBe('Nothing in the library is like that.\n');
  // Without a library of their own, clips go by what the person has chosen in theirs.
  const samplesNow = (): Float32Array => fromWav(readFileSync(out)).samples;
  expect(readMarks(readFileSync(out)).own).toContain('tiny-voice');
  expect(await speak('--voice', 'Ada', '--file', text, '--overwrite', '--no-recipe')).toMatchObject({ code: 0 });
  expect(readMarks(readFileSync(out))).toEqual({ synthetic: true, own: undefined });
  await resgen('dictionary', 'set', 'fine', 'B AA1 B AA1 B AA1');
  const withClip = ['--voice', clip, '--consent', CONSENT, '--file', text, '--overwrite'];
  expect(await speak(...withClip)).toMatchObject({ code: 0 });
  expect(samplesNow()).not.toEqual(samples);
  expect(readMarks(readFileSync(out)).own).toContain('tiny-voice');
  const own = openStudio({ data });
  await own.ask('settings.set', { embedRecipe: false });
  const busy = await speak(...withClip);
  expect(busy).toMatchObject({
    code: 0,
    err: expect.stringContaining('Until then your dictionary is not used, and the recipe is left') as string,
  });
  expect(readMarks(readFileSync(out)).own).toBeUndefined();
  expect(samplesNow()).toEqual(samples);
  await own.studio.close();
  expect(await speak(...withClip)).toMatchObject({ code: 0 });
  expect(readMarks(readFileSync(out)).own).toBeUndefined();
  expect(samplesNow()).not.toEqual(samples);
  const again = openStudio({ data });
  await again.ask('settings.set', { embedRecipe: true });
  await again.studio.close();

  // Each sentence has tokens of its own, beside the sound.
  const [first, second] = ['said-1.safetensors', 'said-2.safetensors'].map((name) => join(folder, name)) as [string, string];
  const withTokens = await speak('--voice', 'Ada', '--file', text, '--overwrite', '--tokens', '--no-recipe', '--json');
  expect(JSON.parse(withTokens.out)).toMatchObject({ sentences: [{ tokens: first }, { tokens: second }] });
  expect(readTokenFile(readFileSync(first)).recipe).not.toHaveProperty('speech');
  rmSync(out);
  expect(await speak('--voice', 'Ada', '--file', text, '--tokens')).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringContaining(`${first} is there already`) as string,
  });
  expect(await speak('--voice', 'Ada', '--text', 'Fine.', '--tokens')).toMatchObject({ code: 0, out: `${out}\n` });
  const only = join(folder, 'said.safetensors');
  expect(readTokenFile(readFileSync(only)).recipe).toMatchObject({ verb: 'generate', seed: 3, speech: { text: 'Fine.' } });
  expect(await resgen('edit', only, '--zero', '4', '--out', join(folder, 'edited.wav'))).toMatchObject({ code: 0 });

  const tokens = join(folder, 'ada.safetensors');
  expect(await resgen('encode', clip, '--model', 'tiny-voice', '--out', tokens)).toMatchObject({ code: 0 });
  const decoded = join(folder, 'decoded.wav');
  expect(await resgen('decode', tokens, '--depth', '2', '--out', decoded)).toMatchObject({ code: 0, out: `${decoded}\n` });
  expect(readMarks(readFileSync(decoded)).synthetic).toBe(true);
  expect(fromWav(readFileSync(decoded)).samples).toHaveLength(4 * 8000);
  expect((await resgen('decode', tokens, '--out', join(folder, 'decoded.png'))).err).toContain('must end in .wav');

  // In a voice that is kept here, and on a machine where nobody has heard of it.
  const [spoken = ''] = readdirSync(join(data, 'items'));
  const inVoice = join(data, 'items', spoken, 'tokens.safetensors');
  const heard = join(folder, 'heard.wav');
  expect(await resgen('decode', inVoice, '--out', heard)).toMatchObject({ code: 0, out: `${heard}\n` });
  expect(readMarks(readFileSync(heard))).toMatchObject({ synthetic: true, own: expect.stringContaining('"voice"') as string });
  const elsewhere = { RESGEN_DATA: temporaryFolder(), RESGEN_MODELS: join(TINY_VOICE, '..') };
  expect(await startResgen(cli, ['decode', inVoice, '--out', join(folder, 'not.wav')], elsewhere)).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringContaining('in a voice that is not kept here') as string,
  });
});
