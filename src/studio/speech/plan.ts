import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import {
  LIMITS,
  type Manifest,
  type Recipe,
  SPEECH_LIMITS,
  type SpeechModel,
  type SpeechPlan,
  type SpeechRequest,
  StudioError,
  limitClause,
} from '../../contract/index.js';
import { parts } from '../../engine/text/normalise.js';
import type { G2p } from '../../engine/text/g2p.js';
import type { DictionaryStore } from '../dictionary-store.js';

/** Seconds of silence that a reader leaves, at normal speed. */
const AFTER_SENTENCE = 0.35;
const AFTER_PARAGRAPH = 0.7;
/** Where a sentence was too long and was cut at a comma. */
const INSIDE = 0.15;
/** Sentences of the training texts begin with a boundary, for the silence in front. */
const BOUNDARY = '_';
/** Measured on forty sentences as voice-en 0.5.1 says them, with the silences between words. */
const SECONDS_A_PHONE = 0.095;

/** Turns texts into sentences of phones, with the person's dictionary as it is when it is asked. */
export class Planner {
  #g2p: Promise<G2p> | undefined;

  /** @param g2pFile `g2p.bin` of the build */
  constructor(
    private readonly dictionary: DictionaryStore,
    private readonly g2pFile: string | null,
  ) {}

  /** @throws StudioError `bad-request`: a sentence that says why the text can't be said */
  async plan(text: string, speed: number): Promise<SpeechPlan> {
    // Loaded at first use: the dictionary of English takes longer than the studio itself.
    const { FrontEnd } = await import('../../engine/text/phones.js');
    const g2p = await (this.#g2p ??= this.#loadG2p());
    const own = Object.fromEntries(this.dictionary.list().map(({ word, said }) => [word, said]));
    const read = new FrontEnd(g2p, own).read(text);
    const ends = paragraphEnds(text);
    const plan: SpeechPlan = { lead: 0, sentences: [] };
    let written: number | null = null;
    const close = (): void => {
      const last = plan.sentences.at(-1);
      if (!last) plan.lead = written ?? 0;
      else if (written !== null) last.gap = written;
      written = null;
    };
    for (const part of read) {
      if (typeof part === 'number') {
        written = (written ?? 0) + part;
        continue;
      }
      close();
      const limit = LIMITS.speech.limits.phones;
      if (part.phones.length >= limit.value) {
        const begins = part.text.slice(0, 60);
        throw new StudioError(
          'bad-request',
          `The sentence that begins with “${begins}” has ${part.phones.length.toLocaleString('en')} phones: ${limitClause(limit)}. Put a full stop in it.`,
        );
      }
      const pause = ends(part.text) ? AFTER_PARAGRAPH : /[.!?]["')\]]*$/.test(part.text) ? AFTER_SENTENCE : INSIDE;
      plan.sentences.push({ ...part, phones: [BOUNDARY, ...part.phones], gap: pause / speed });
    }
    // Nothing follows the last one, unless silence is written there.
    const last = plan.sentences.at(-1);
    if (last) last.gap = written ?? 0;
    if (plan.sentences.length > SPEECH_LIMITS.sentences) {
      const count = plan.sentences.length.toLocaleString('en');
      throw new StudioError(
        'bad-request',
        `This text has ${count} sentences: ${limitClause(LIMITS.speech.limits.sentences)}. Split it into several texts.`,
      );
    }
    return plan;
  }

  /**
   * Phones of one sentence with the words of the person's dictionary as they are said now.
   * @returns null where none of them is in it
   */
  async reread(sentence: string): Promise<string[] | null> {
    const words = new Set(sentence.toLowerCase().match(/[a-z]+(?:'[a-z]+)*/g));
    if (!this.dictionary.list().some(({ word }) => words.has(word))) return null;
    const { sentences } = await this.plan(sentence, 1);
    return sentences[0]?.text === sentence ? sentences[0].phones : null;
  }

  async #loadG2p(): Promise<G2p> {
    try {
      if (this.g2pFile === null) throw new StudioError('bad-file', 'This studio came without its file for unknown words.');
      const { loadG2p } = await import('../../engine/text/g2p.js');
      return loadG2p(new Uint8Array(await readFile(this.g2pFile)));
    } catch (cause) {
      this.#g2p = undefined;
      if (cause instanceof StudioError) throw cause;
      throw new StudioError('bad-file', 'The file for unknown words (g2p.bin) is missing. Install the studio again.', { cause });
    }
  }
}

/** About how long a plan takes to say, in seconds. */
export function estimate({ lead, sentences }: SpeechPlan, speed: number): number {
  const spoken = sentences.reduce((sum, { phones }) => sum + phones.filter((phone) => /^[A-Z]/.test(phone)).length, 0);
  return lead + (spoken * SECONDS_A_PHONE) / speed + sentences.reduce((sum, { gap }) => sum + gap, 0);
}

/** Asked for each sentence in order: whether it is the last of its paragraph. */
function paragraphEnds(text: string): (sentence: string) => boolean {
  const written = text
    .split(/\n\s*\n/)
    .filter((paragraph) => paragraph.trim() !== '')
    .flatMap((paragraph) => {
      const sentences = parts(paragraph).filter((part) => typeof part === 'string');
      return sentences.map((sentence, i) => ({ sentence, last: i === sentences.length - 1 }));
    });
  let next = 0;
  return (sentence) => {
    // Sentences without a sound are left out of a plan.
    const at = written.findIndex((candidate, i) => i >= next && candidate.sentence === sentence);
    if (at < 0) return false;
    next = at + 1;
    return written[at]?.last ?? false;
  };
}

/** Seed of the sentence at a place. */
export function seedOf({ seed, again }: Pick<SpeechRequest, 'seed' | 'again'>, index: number): number {
  return again[String(index)] ?? (seed + index) % 2 ** 32;
}

/**
 * The place of such a sentence in what a request asks for, or null where it asks for no such one.
 * @param plan of the request, or null where none was kept
 */
export function placeInPlan(request: SpeechRequest, plan: SpeechPlan | null, recipe: Recipe): number | null {
  const { verb, model, voice, sampling, seed, speech } = recipe;
  if (verb !== 'generate' || !speech || seed === undefined) return null;
  if (model.id !== request.model || voice !== request.voice || speech.speed !== request.speed) return null;
  const texts = plan ? plan.sentences.map(({ text }) => text) : parts(request.text);
  if (!isDeepStrictEqual(sampling, request.sampling) || !texts.includes(speech.text)) return null;
  const rolled = Object.entries(request.again).find(([, other]) => other === seed);
  const index = rolled ? Number(rolled[0]) : (seed - request.seed + 2 ** 32) % 2 ** 32;
  return index < SPEECH_LIMITS.sentences && seedOf(request, index) === seed ? index : null;
}

export interface SpeakingModel {
  sound: NonNullable<Manifest['sound']>;
  speech: SpeechModel;
}

/** @throws StudioError `bad-request` where the model can't speak */
export function speaking({ id, files, sound, speech }: Manifest): SpeakingModel {
  if (sound && speech && files.step) return { sound, speech };
  throw new StudioError('bad-request', `The model “${id}” can't speak. Choose one that can, or add a package that speaks.`);
}
