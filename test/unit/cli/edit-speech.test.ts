import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { fromWav } from '../../../src/contract/index.js';
import { readTokenFile } from '../../../src/engine/tokens.js';
import { readTags } from '../../../src/studio/compressed-sound.js';
import { readMarks } from '../../../src/studio/sound-marks.js';
import { CONSENT, TINY_VOICE } from '../studio/speech/studio.js';
import { temporaryFolder } from '../studio/support.js';
import { speech, wavFile } from '../studio/voices/signals.js';
import { buildCommandLine } from './build.js';
import { startResgen } from './harness.js';

const D = 4;

let cli = '';
beforeAll(async () => {
  cli = await buildCommandLine('edit-speech');
}, 60_000);

it(
  'speech is edited with the voice of the library, written as tokens or as a sound, and not without its voice',
  { timeout: 300_000 },
  async () => {
    const [data, folder] = [temporaryFolder(), temporaryFolder()];
    const inFolder = (name: string): string => join(folder, name);
    const resgen = (...args: string[]) => startResgen(cli, args, { RESGEN_DATA: data, RESGEN_MODELS: join(TINY_VOICE, '..') });
    writeFileSync(inFolder('ada.wav'), wavFile(speech({ seconds: 4 })).bytes);
    await resgen('voices', 'add', inFolder('ada.wav'), '--name', 'Ada', '--consent', CONSENT);
    const speak = ['speak', '--model', 'tiny-voice', '--steps', '2', '--seed', '3', '--text', 'Fine.', '--tokens'];
    expect(await resgen(...speak, '--voice', 'Ada', '--out', inFolder('said.wav'))).toMatchObject({ code: 0 });
    const [item = ''] = readdirSync(join(data, 'items'));
    const said = inFolder('said.safetensors');
    const before = readTokenFile(readFileSync(said));
    const below = ['edit', said, '--resample-below', '2', '--seed', '9'];

    expect(await resgen(...below, '--out', inFolder('below.safetensors'))).toMatchObject({ code: 0 });
    const below2 = readTokenFile(readFileSync(inFolder('below.safetensors')));
    expect(below2.codes.filter((_, n) => n % D < 2)).toEqual(before.codes.filter((_, n) => n % D < 2));
    expect(below2.codes).not.toEqual(before.codes);
    expect(below2.recipe).toMatchObject({ verb: 'edit', voice: before.recipe.voice, speech: { text: 'Fine.' }, seed: 9 });

    const wav = inFolder('below.wav');
    expect(await resgen(...below, '--out', wav)).toMatchObject({ code: 0, out: `${wav}\n` });
    expect(readMarks(readFileSync(wav)).synthetic).toBe(true);
    expect(fromWav(readFileSync(wav)).samples.length).toBe(before.L * 80);
    expect((await resgen(...below, '--out', wav)).err).toContain('is there already');
    const flac = inFolder('below.flac');
    expect(await resgen(...below, '--out', flac)).toMatchObject({ code: 0 });
    expect(readTags(new Uint8Array(readFileSync(flac))).synthetic).toBe(true);
    // A change without a generator is heard too.
    expect(await resgen('edit', said, '--zero', '4', '--out', inFolder('zero.wav'))).toMatchObject({ code: 0 });
    // Nothing of it is kept in the library.
    expect(readdirSync(join(data, 'items'))).toEqual([item]);

    // So are its steps and its depths, with the voice's consent.
    const steps = inFolder('steps.wav');
    expect(await resgen('tokens', 'export', said, '--steps', '--out', steps)).toMatchObject({ code: 0 });
    const inSteps = fromWav(readFileSync(steps)).samples;
    expect(inSteps).toHaveLength(2 * before.L * 80);
    expect(readMarks(readFileSync(steps)).synthetic).toBe(true);
    // The last step is the whole.
    expect(inSteps.slice(-before.L * 80)).toEqual(fromWav(readFileSync(join(data, 'items', item, 'sound.wav'))).samples);
    const named = await resgen('tokens', 'export', said, '--steps', '--out', inFolder('steps.gif'));
    expect(named).toMatchObject({ code: 2, err: expect.stringContaining('--steps is for sounds') as string });
    expect(await resgen('tokens', 'export', said, '--out', inFolder('depths.wav'))).toMatchObject({ code: 0 });

    // What two voices are in is edited and heard with both of them.
    await resgen('voices', 'add', inFolder('ada.wav'), '--name', 'Eve', '--consent', CONSENT);
    expect(await resgen(...speak, '--voice', 'Eve', '--out', inFolder('eve-said.wav'))).toMatchObject({ code: 0 });
    const both = inFolder('both.safetensors');
    const swap = ['edit', said, '--swap', inFolder('eve-said.safetensors'), '--at', '2'];
    const swapped = await resgen(...swap, '--out', both);
    expect(swapped, swapped.err).toMatchObject({ code: 0 });
    expect(readTokenFile(readFileSync(both)).recipe.otherVoices).toHaveLength(1);
    expect(await resgen('edit', both, '--zero', '4', '--out', inFolder('both.wav'))).toMatchObject({ code: 0 });

    const picture = await resgen(...below, '--out', inFolder('below.png'));
    expect(picture).toMatchObject({
      code: 2,
      err: expect.stringMatching(/must end in \.wav, \.flac or \.mp3, as the tokens are those of a sound/) as string,
    });

    const elsewhere = startResgen(cli, [...below, '--out', inFolder('elsewhere.wav')], { RESGEN_MODELS: join(TINY_VOICE, '..') });
    expect(await elsewhere).toMatchObject({ code: 1, err: expect.stringMatching(/is not in the library at .* with --data/) as string });
    await resgen('voices', 'remove', 'Ada', '--yes');
    for (const edit of [below, ['edit', said, '--zero', '4']]) {
      const gone = await resgen(...edit, '--out', inFolder('gone.wav'));
      expect(gone).toMatchObject({ code: 1, err: expect.stringContaining('The voice “Ada” is in the trash. Restore it first.') as string });
    }
    expect(existsSync(inFolder('gone.wav'))).toBe(false);
    // To change numbers nobody has to be asked, as long as the file says whose voice they are.
    expect(await resgen('edit', said, '--zero', '4', '--out', inFolder('zero.safetensors'))).toMatchObject({ code: 0 });
    expect(await resgen('edit', said, '--zero', '4', '--out', inFolder('zero.csv'))).not.toMatchObject({ code: 0 });
  },
);
