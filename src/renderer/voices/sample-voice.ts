import type { NamedBytes } from '../shared/files.js';
import url from './sample-voice.flac?url';

/** What stands where a person's consent stands for every other voice. */
export const SAMPLE_CONSENT = 'This voice is nobody’s: the model of the studio made it up, so nobody has to agree.';
export const SAMPLE_NAME = 'Sample voice';

/** The clip that comes with the studio; `training/sample_voice.py` says how it was made. @throws TypeError where it can't be read */
export async function sampleVoice(): Promise<NamedBytes> {
  const reply = await fetch(url);
  if (!reply.ok) throw new TypeError(`The clip was answered with ${reply.status}.`);
  return { name: 'sample-voice.flac', bytes: new Uint8Array(await reply.arrayBuffer()) };
}
