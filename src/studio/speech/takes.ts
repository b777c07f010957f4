import {
  type Item,
  type Recipe,
  type Sound,
  type SpeechJob,
  type SpeechPlan,
  StudioError,
  type Take,
  type TakeSentence,
  fromWav,
} from '../../contract/index.js';
import type { ItemsStore } from '../items-store.js';
import type { JobsStore } from '../jobs-store.js';
import { type Library, itemFiles } from '../library.js';
import type { Models } from '../models.js';
import { Recent } from '../recent.js';
import { type Place, type Speech, findSpeech, gainTo, layOut, mixIn } from './joins.js';
import { speaking } from './plan.js';
import type { StoredPlans } from './stored-plans.js';
import type { LaidOutTake, TakePart } from './take-files.js';

/** Bytes that a sentence's place and level are reckoned as; a thousand takes of a page are remembered. */
const SPEECH_BYTES = 64;
const KEPT_BYTES = 4 << 20;

interface Made {
  index: number;
  item: Item;
  heard: Heard;
}

interface Heard extends Speech {
  sampleRate: number;
}

/** Texts as they are heard: the sounds of their sentences, one after the other. */
export class Takes {
  readonly #heard = new Recent<Heard>(KEPT_BYTES);

  constructor(
    private readonly parts: { jobs: JobsStore; items: ItemsStore; library: Library; models: Models; plans: StoredPlans; version: string },
  ) {}

  /** @throws StudioError `not-found`, or `bad-request` where the job is no text */
  async take(id: string): Promise<Take> {
    const { job, plan, made, places, rate, length } = await this.#laidOut(id);
    const placeOf = new Map(made.map(({ index }, n) => [index, n]));
    const items = this.parts.items.ofJob(id);
    const sentences = plan.sentences.map(({ text, gap }, index): TakeSentence => {
      const n = placeOf.get(index);
      const one = n === undefined ? undefined : made[n];
      const start = n === undefined ? undefined : places[n]?.start;
      return {
        index,
        text,
        gap,
        item: items.get(index) ?? null,
        start: start === undefined ? null : start / rate,
        seconds: one ? (one.heard.until - one.heard.from) / rate : null,
        skipped: one ? one.heard.from / rate : null,
      };
    });
    return { job, sentences, seconds: length / rate };
  }

  /** The sound of a take as far as it is made. @throws StudioError as `laidOut` */
  async sound(id: string): Promise<{ sound: Sound; recipe: Recipe }> {
    const { take, recipe } = await this.laidOut(id);
    const samples = new Float32Array(take.length);
    for (const part of take.parts) await part.mix(samples, 0);
    return { sound: { samples, sampleRate: take.sampleRate }, recipe };
  }

  /** What a take is made of as far as it is made. @throws StudioError as `take`, and `bad-request` where nothing is made yet */
  async laidOut(id: string): Promise<{ take: LaidOutTake; recipe: Recipe }> {
    const { job, made, places, rate, length, levelDb, version } = await this.#laidOut(id);
    // A page shows which sentence it is; a file would be without it, and nobody would know.
    const lost = [...this.parts.items.ofJob(id).keys()].find((index) => !made.some((one) => one.index === index));
    if (lost !== undefined) {
      throw new StudioError(
        'bad-file',
        `The sound of sentence ${lost + 1} is damaged or missing. Say that sentence again, or restore its file.`,
      );
    }
    if (made.length === 0) throw new StudioError('bad-request', 'No sentence of this text is made yet. Wait for the first one.');
    const parts = made.map(({ item, heard }, n): TakePart => {
      const { start, rest } = places[n] ?? { start: 0, rest: 0 };
      const mix: TakePart['mix'] = async (stretch, origin) => {
        const sound = fromWav(await this.parts.library.read(item.id, itemFiles.sound));
        mixIn(stretch, sound, heard, { start: start - origin, rest }, gainTo(levelDb, heard));
      };
      return { item: item.id, start, mix };
    });
    return { take: { sampleRate: rate, length, parts }, recipe: this.#recipe(job, version) };
  }

  /** The item at a place of a take. @throws StudioError `not-found` where it is not made yet, or in the trash */
  item(id: string, index: number): Item {
    this.job(id);
    const item = this.parts.items.ofJob(id).get(index);
    if (!item) throw new StudioError('not-found', 'This sentence is not made yet, or is in the trash. Say it again first.');
    return item;
  }

  /** Before a sentence is said again: see `StoredPlans.reread`. @throws StudioError as `take` */
  async reread(id: string, index: number): Promise<void> {
    await this.parts.plans.reread(this.job(id), index);
  }

  /** @throws StudioError `not-found`, or `bad-request` where the job is no text */
  job(id: string): SpeechJob {
    const job = this.parts.jobs.get(id);
    if (job.kind !== 'speech') throw new StudioError('bad-request', 'This job made pictures, which can not be heard. Choose a text.');
    return job;
  }

  async #laidOut(id: string): Promise<{
    job: SpeechJob;
    plan: SpeechPlan;
    made: Made[];
    places: Place[];
    rate: number;
    length: number;
    levelDb: number;
    version: string;
  }> {
    const job = this.job(id);
    const { manifest } = await this.parts.models.find(job.request.model);
    const { sound, speech } = speaking(manifest);
    const plan = await this.parts.plans.of(job);
    const items = this.parts.items.ofJob(id);
    const made: Made[] = [];
    for (const index of plan.sentences.keys()) {
      const item = items.get(index);
      const heard = item && (await this.#hear(item));
      if (heard) made.push({ index, item, heard });
    }
    const rate = sound.sampleRate;
    const { places, length } = layOut(
      made.map(({ index, heard }) => ({
        speech: heard,
        gap: plan.sentences[index]?.gap ?? 0,
        isLast: index === plan.sentences.length - 1,
      })),
      rate,
      plan.lead,
    );
    return { job, plan, made, places, rate, length, levelDb: speech.levelDb, version: manifest.version };
  }

  /** Null where its file is damaged or gone. */
  async #hear({ id }: Item): Promise<Heard | null> {
    const known = this.#heard.get(id);
    if (known) return known;
    const bytes = await this.parts.library.read(id, itemFiles.sound).catch((error: unknown) => {
      if (error instanceof StudioError && error.code === 'bad-file') return null;
      throw error;
    });
    if (!bytes) return null;
    const sound = fromWav(bytes);
    const heard = { ...findSpeech(sound), sampleRate: sound.sampleRate };
    this.#heard.set(id, heard, SPEECH_BYTES);
    return heard;
  }

  /** Of the whole text: what each of its sentences lasts is in the recipes of these. */
  #recipe({ request: { model, voice, text, speed, seed, sampling, again } }: SpeechJob, version: string): Recipe {
    return {
      format: 1,
      studio: this.parts.version,
      model: { id: model, version },
      kind: 'speech',
      verb: 'generate',
      seed,
      sampling,
      voice,
      speech: { text, speed, phones: [], ms: [], ...(Object.keys(again).length > 0 && { again }) },
    };
  }
}
