import { VOICE_RATE, fromWav } from '../../contract/index.js';
import type { ModelPackage } from '../../engine/package.js';
import { resample } from '../audio/resample.js';
import type { EngineSession } from '../engine.js';
import { Recent } from '../recent.js';
import type { Voices } from '../voices/voices.js';
import { findSpeech, gainTo } from './joins.js';
import { speaking } from './plan.js';

const KEPT_BYTES = 8 << 20;
/** Of the positions that a model has: the rest is for what is said. */
const MOST_OF_POSITIONS = 0.5;

/** The clips of voices as models hear them, encoded once for each. */
export class Prompts {
  readonly #known = new Recent<Int32Array<ArrayBuffer>>(KEPT_BYTES);

  constructor(private readonly voices: Voices) {}

  /**
   * The encoded clip `[Q * D]`. Voice and consent are looked at each time, also where the clip is known.
   * @throws StudioError `no-consent`, `not-found`, `bad-file`
   */
  async of(session: EngineSession, { folder, manifest }: ModelPackage, voice: string): Promise<Int32Array<ArrayBuffer>> {
    const clip = await this.voices.clip(voice);
    const key = `${folder} ${manifest.files.encode?.sha256 ?? ''} ${voice}`;
    const known = this.#known.get(key);
    if (known) return known;
    const { sound, speech } = speaking(manifest);
    const samples = resample(fromWav(clip).samples, VOICE_RATE, sound.sampleRate);
    const positions = Math.min(Math.floor(samples.length / sound.samplesPerPosition), Math.floor(manifest.tokens.L * MOST_OF_POSITIONS));
    const heard = samples.slice(0, positions * sound.samplesPerPosition);
    const gain = gainTo(speech.levelDb, findSpeech({ samples: heard, sampleRate: sound.sampleRate }));
    const tokens = new Int32Array(await session.encodeSound(heard.map((sample) => sample * gain)));
    this.#known.set(key, tokens, tokens.byteLength);
    return tokens;
  }
}
