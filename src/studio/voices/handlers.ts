import { createHash } from 'node:crypto';
import { zipSync } from 'fflate';
import { type CallName, type Params, type Region, type Result, StudioError, VOICE_RATE, toWav, voiceCalls } from '../../contract/index.js';
import { plainName } from '../exports.js';
import type { Handlers, Parts } from '../handlers.js';
import { Recent } from '../recent.js';
import { checkClip, checkVoice, cut, suggestRegion } from './check.js';
import { type Clip, readClip } from './clip.js';
import { Listener } from './listener.js';

type VoiceCall = Extract<CallName, keyof typeof voiceCalls>;
type SoundFile = Params<'voices.open'>;

/** A clip is asked about each time its trim changes; the longest has 12 MB. */
const REMEMBERED_BYTES = 32e6;

export function createVoiceHandlers({ voices, voiceRows, items, exports, models, engine, emit }: Parts): Pick<Handlers, VoiceCall> {
  const recent = new Recent<Clip>(REMEMBERED_BYTES);
  const listener = new Listener(models, engine);

  const read = async ({ name, bytes }: SoundFile): Promise<Clip> => {
    const key = createHash('sha256').update(bytes).digest('hex');
    const known = recent.get(key);
    if (known) return known;
    const clip = await readClip(name, bytes);
    recent.set(key, clip, clip.samples.byteLength);
    return clip;
  };

  const tell = (): void => emit({ name: 'voices', payload: voiceRows.list() });

  const accepted = (clip: Clip, region: Region | null): Float32Array => {
    const [problem] = checkClip(clip, region).filter((finding) => finding.blocks);
    if (problem) throw new StudioError('bad-file', problem.text);
    return cut(clip, region);
  };

  const add = async ({ name, file, region, consent }: Params<'voices.add'>): Promise<Result<'voices.add'>> => {
    const voice = await voices.add({ name, source: file.name, samples: accepted(await read(file), region), consent });
    tell();
    return voice;
  };

  return {
    'voices.list': () => voiceRows.list(),
    'voices.open': async (file) => {
      const clip = await read(file);
      const { samples } = clip;
      return { sound: toWav(samples, VOICE_RATE), seconds: samples.length / VOICE_RATE, suggested: suggestRegion(clip) };
    },
    'voices.check': async ({ file, region }) => checkVoice(listener, await read(file), region),
    'voices.add': add,
    'voices.rename': async ({ id, name }) => {
      const voice = await voices.rename(id, name);
      tell();
      return voice;
    },
    'voices.remove': ({ id }) => {
      const gone = voices.remove(id);
      exports.forgetSounds();
      if (gone.length > 0) emit({ name: 'itemsRemoved', payload: gone });
      tell();
      return null;
    },
    'voices.restore': async ({ id }) => {
      for (const item of await voices.restore(id)) emit({ name: 'itemAdded', payload: items.get(item) });
      tell();
      return voiceRows.get(id);
    },
    'voices.purge': async ({ id }) => {
      await voices.purge(id);
      tell();
      return null;
    },
    'voices.export': async ({ id }) => {
      const { clip, facts } = await voices.files(id);
      const name = plainName(voiceRows.get(id).name);
      // A short WAV: not worth the time to press it.
      const zip = zipSync({ [`${name}.wav`]: clip, [`${name}.json`]: facts }, { level: 0 });
      return exports.write(`${name}.zip`, zip);
    },
  };
}
