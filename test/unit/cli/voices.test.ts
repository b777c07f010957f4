import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { beforeAll, expect, it } from 'vitest';
import { floatWav, speech, wav24, wavFile } from '../studio/voices/signals.js';
import { temporaryFolder } from '../studio/support.js';
import { buildCommandLine } from './build.js';
import { type Started, startResgen } from './harness.js';

let cli = '';
beforeAll(async () => {
  cli = await buildCommandLine('voices');
}, 60_000);

const CONSENT = 'I, Ada, agree that my voice is used here';

function library(): { voices: (...args: string[]) => Started; clip: string; folder: string } {
  const [data, folder] = [temporaryFolder(), temporaryFolder()];
  const clip = join(folder, 'ada.wav');
  writeFileSync(clip, wavFile(speech({ seconds: 8 })).bytes);
  return { voices: (...args) => startResgen(cli, ['voices', ...args], { RESGEN_DATA: data }), clip, folder };
}

it('a voice is added, listed, renamed, exported and removed', { timeout: 120_000 }, async () => {
  const { voices, clip, folder } = library();
  const add = await voices('add', clip, '--name', 'Ada', '--consent', CONSENT, '--from', '1', '--to', '6.5', '--json');
  expect(add).toMatchObject({ code: 0, err: '' });
  const voice = JSON.parse(add.out) as { id: string };
  expect(voice).toMatchObject({ name: 'Ada', seconds: 5.5, source: 'ada.wav', consent: { sentence: CONSENT }, findings: [] });

  expect((await voices('list')).out).toMatch(new RegExp(`^Ada  5\\.5 s  \\d{4}-\\d\\d-\\d\\d  0 items  ${voice.id}\n$`));
  expect(await voices('rename', 'ada', 'Countess')).toMatchObject({ code: 0, out: 'Countess\n' });
  expect((await voices('rename', 'Ada', 'x')).err).toBe('There is no voice “Ada”. There is: Countess.\n');

  const zip = join(folder, 'countess.zip');
  expect(await voices('export', voice.id, '--out', zip)).toMatchObject({ code: 0, out: `${zip}\n` });
  expect(Object.keys(unzipSync(new Uint8Array(readFileSync(zip))))).toEqual(['Countess.wav', 'Countess.json']);
  expect(await voices('export', 'Countess', '--out', zip)).toMatchObject({
    code: 2,
    err: expect.stringContaining('is there already') as string,
  });

  expect(await voices('remove', 'Countess')).toMatchObject({
    code: 2,
    err: 'This would delete the voice “Countess”. Add --yes if that is meant.\n',
  });
  expect(await voices('remove', 'Countess', '--yes')).toMatchObject({ code: 0, out: 'Countess\n' });
  expect(await voices('list')).toMatchObject({ code: 0, out: '', err: expect.stringMatching(/^There are no voices yet/) as string });
});

it('what is wrong gets a sentence and an exit code, and keeps nothing', { timeout: 120_000 }, async () => {
  const { voices, clip, folder } = library();
  const text = join(folder, 'text.wav');
  writeFileSync(text, 'No sound at all.');
  const talk = join(folder, 'talk.wav');
  // Two hours of 16 bits at 16 kHz, of which the disk holds nothing.
  writeFileSync(talk, '');
  truncateSync(talk, 2 * 3600 * 32_000);
  const broken = join(folder, 'broken.wav');
  const damaged = speech({ seconds: 4 });
  damaged[1000] = Number.NaN;
  writeFileSync(broken, floatWav([damaged], 16_000));
  const cases: [args: string[], code: number, sentence: RegExp][] = [
    [['add', talk, '--name', 'Ada', '--consent', CONSENT], 2, /talk\.wav has 219\.7 MiB, and 64 MiB are the most\. Cut out the part/],
    [['add', broken, '--name', 'Ada', '--consent', CONSENT], 1, /^The clip has a sample that is no number, so the file is damaged/],
    [['add', clip, '--name', 'Ada', '--consent', CONSENT, '--to', '0.2'], 1, /^The clip is 0\.2 s long, and a voice takes at least 3/],
    [['add', clip, '--name', 'Ada'], 2, /^A voice may be used only with the consent of the person who speaks\. Give it as a sentence/],
    [['add', clip, '--consent', CONSENT], 2, /required option '--name/],
    [['add', clip, '--name', 'Ada', '--consent', CONSENT, '--to', '2'], 1, /^The clip is 2\.0 s long, and a voice takes at least 3/],
    [['add', clip, '--name', 'Ada', '--consent', CONSENT, '--from', 'x'], 2, /It must be a number/],
    [['add', text, '--name', 'Ada', '--consent', CONSENT], 1, /^“text\.wav” is not a sound that can be read/],
    [['add', join(folder, 'no.wav'), '--name', 'Ada', '--consent', CONSENT], 2, /there is no such file/],
    [['export', 'Ada', '--out', join(folder, 'a.wav')], 2, /must end in \.zip/],
    [['remove', 'Ada', '--yes'], 1, /^There is no voice “Ada”\. Add one with/],
  ];
  for (const [args, code, sentence] of cases) {
    const result = await voices(...args);
    expect(result, args.join(' ')).toMatchObject({ code, out: '' });
    expect(result.err, args.join(' ')).toMatch(sentence);
    expect(result.err, args.join(' ')).not.toMatch(/\n\s+at /);
  }
  expect(existsSync(join(folder, 'a.wav'))).toBe(false);
  expect((await voices('list', '--json')).out).toBe('');
});

it('a clip of 24 bits, 8 channels and 8 kHz is taken, and the terminal says what it lacks', { timeout: 120_000 }, async () => {
  const { voices, folder } = library();
  const odd = join(folder, 'odd.wav');
  writeFileSync(odd, wav24(speech({ seconds: 4 }, 8000), 8000, 8));
  const added = await voices('add', odd, '--name', 'Ada', '--consent', CONSENT);
  expect(added).toMatchObject({ code: 0, out: 'Ada: 4.0 s\n' });
  expect(added.err).toMatch(/^The file has 8,000 samples a second, and a clear voice needs 16,000\./m);
  expect(added.err).toMatch(/^The file has 8 channels, which were mixed into one\./m);
});

it('explains itself with examples', async () => {
  const { voices } = library();
  const { code, out } = await voices('--help');
  expect(code).toBe(0);
  expect(out).toContain('resgen voices add ada.flac --name Ada --consent');
});

it('the dictionary is filled, listed and emptied', async () => {
  const data = temporaryFolder();
  const dictionary = (...args: string[]): Started => startResgen(cli, ['dictionary', ...args], { RESGEN_DATA: data });
  expect(await dictionary('set', 'ResGen', 'R EH1 Z JH EH2 N')).toMatchObject({ code: 0, out: 'resgen  R EH1 Z JH EH2 N\n', err: '' });
  expect((await dictionary('list', '--json')).out).toBe('{"word":"resgen","said":"R EH1 Z JH EH2 N"}\n');
  expect(await dictionary('set', 'word', 'w0rd')).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^Said must be phones like/) as string,
  });
  expect(await dictionary('remove', 'resgen')).toMatchObject({ code: 0 });
  expect(await dictionary('remove', 'resgen')).toMatchObject({ code: 1, err: expect.stringMatching(/is not in the dictionary/) as string });
  expect((await dictionary('list')).err).toMatch(/^The dictionary is empty/);
});
