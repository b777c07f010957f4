import { type Region, VOICE_RATE } from '../../contract/index.js';
import type { ModelPackage } from '../../engine/package.js';
import { resample } from '../audio/resample.js';
import type { Engine } from '../engine.js';
import type { Models } from '../models.js';
import { findSpeech, gainTo } from '../speech/joins.js';
import { type SpeakingModel, speaking } from '../speech/plan.js';
import type { Clip } from './clip.js';
import { HOP, LEAST_HEARD, type VoiceWindow, WINDOW } from './speakers.js';

/** Windows that the engine is asked for at once, ten seconds of a clip, so that a job which comes meanwhile is not kept waiting for all. */
const TOGETHER = 17;
/** A check is not to wait longer than this; what was heard until then is there for the next one. */
const LONGEST_MS = 5000;
/** Of a place in seconds, so that 2.5 / 0.5 is no less than 5. */
const ROUNDING = 1e-6;

/** What is known of a clip: its windows' vectors, each by where it begins in `HOP`s. */
interface Heard {
  /** The model whose they are. */
  by: string;
  /** Brings the clip to the level of the model's training. */
  gain: number;
  vectors: Map<number, Float32Array>;
}

/** Hears whose voice is where in a clip, with the ears of a model that speaks, as long as nobody else needs the engine. */
export class Listener {
  /** Goes with the clip. */
  readonly #heard = new WeakMap<Clip, Heard>();
  /** One check after the other, or the second would find the engine in use by the first. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly models: Pick<Models, 'list' | 'find'>,
    private readonly engine: Pick<Engine, 'voiceVectors'>,
    private readonly longestMs = LONGEST_MS,
  ) {}

  /**
   * The windows that lie inside a part of a clip, each made once for the clip. Null where that can't be told now: there is no model that speaks or
   * it is broken, the engine is in use or fails, it takes too long. None of these is the fault of who asks, and the check has a guess without.
   */
  async hear(clip: Clip, region: Region): Promise<VoiceWindow[] | null> {
    if (region.until - region.from < LEAST_HEARD - ROUNDING) return [];
    const heard = this.#turn.then(() => this.#hear(clip, region)).catch(() => null);
    this.#turn = heard;
    return heard;
  }

  async #hear(clip: Clip, { from, until }: Region): Promise<VoiceWindow[] | null> {
    const model = await this.#model();
    if (!model) return null;
    const { vectors, gain } = this.#of(clip, model);
    const first = Math.ceil(from / HOP - ROUNDING);
    const last = Math.floor((until - WINDOW) / HOP + ROUNDING);
    const started = performance.now();
    for (let at = first; at <= last; at++) {
      if (vectors.has(at)) continue;
      let end = at + 1;
      while (end <= last && end < at + TOGETHER && !vectors.has(end)) end++;
      if (performance.now() - started > this.longestMs) return null;
      const made = await this.engine.voiceVectors(model, stretchOf(clip, gain, speaking(model.manifest), { at, count: end - at }));
      if (!made) return null;
      for (const [n, vector] of made.entries()) vectors.set(at + n, vector);
      at = end - 1;
    }
    return Array.from({ length: last - first + 1 }, (_, n) => first + n).flatMap((at) => {
      const vector = vectors.get(at);
      return vector ? [{ at, vector }] : [];
    });
  }

  /** The first that speaks and takes in the clips of voices. */
  async #model(): Promise<ModelPackage | null> {
    const able = (await this.models.list()).find(({ manifest }) => manifest?.speech && manifest.files.text && manifest.files.encode);
    return able ? this.models.find(able.id) : null;
  }

  #of(clip: Clip, { folder, manifest }: ModelPackage): Heard {
    const by = [folder, manifest.files.encode?.sha256, manifest.files.text?.sha256].join(' ');
    const known = this.#heard.get(clip);
    if (known?.by === by) return known;
    const gain = gainTo(speaking(manifest).speech.levelDb, findSpeech({ samples: clip.samples, sampleRate: VOICE_RATE }));
    const heard: Heard = { by, gain, vectors: new Map() };
    this.#heard.set(clip, heard);
    return heard;
  }
}

/** The samples of so many windows from one on, at the model's rate and level, with the windows in its positions. */
function stretchOf(
  { samples }: Clip,
  gain: number,
  { sound: { sampleRate, samplesPerPosition } }: SpeakingModel,
  { at, count }: { at: number; count: number },
): { samples: Float32Array; window: number; hop: number } {
  const perSecond = sampleRate / samplesPerPosition;
  const [window, hop] = [Math.round(WINDOW * perSecond), Math.round(HOP * perSecond)];
  const length = ((count - 1) * hop + window) * samplesPerPosition;
  const from = Math.round(at * HOP * VOICE_RATE);
  const until = from + Math.ceil((length * VOICE_RATE) / sampleRate);
  const stretch = resample(samples.subarray(from, until), VOICE_RATE, sampleRate).subarray(0, length);
  // A sample short where rates don't divide.
  const whole = new Float32Array(length);
  whole.set(stretch.map((sample) => sample * gain));
  return { samples: whole, window, hop };
}
