import { wordsOf } from '../../shared/words.js';
import type { Tokens } from '../source.js';

/** A word or a phone of an item, on the positions `first`..`last`. */
export interface Span {
  readonly label: string;
  readonly first: number;
  readonly last: number;
}

export interface Said {
  readonly words: readonly Span[];
  readonly phones: readonly Span[];
}

/** Boundaries and marks are no letters. */
const PHONE = /^[A-Z]/;
/** “AE1” is a stressed “AE”: where positions are looked at, the digit says too much. */
const STRESS = /\d$/;

/** Where the words and the phones of a spoken item are heard; null where nobody knows. */
export function saidOf({ item, L, secondsPerPosition }: Pick<Tokens, 'item' | 'L' | 'secondsPerPosition'>): Said | null {
  const { speech } = item.recipe;
  if (!speech || secondsPerPosition === null) return null;
  const span = (label: string, from: number, until: number): Span[] => {
    const first = firstFrom(from / secondsPerPosition);
    const last = Math.min(L, firstFrom(until / secondsPerPosition)) - 1;
    return last < first ? [] : [{ label, first, last }];
  };
  let time = 0;
  const phones = speech.phones.flatMap((phone, n) => {
    const from = time;
    time += (speech.ms[n] ?? 0) / 1000;
    return PHONE.test(phone) ? span(phone.replace(STRESS, ''), from, time) : [];
  });
  return { words: wordsOf(speech).flatMap(({ text, from, until }) => span(text, from, until)), phones };
}

/** A position belongs to what is heard in its middle, as the engine has it: the first one whose middle is not before a place. */
function firstFrom(place: number): number {
  // Sums of milliseconds come out a hair beside the middle that they name.
  return Math.ceil(place - 0.5 - 1e-6);
}

/** The words that a selection touches, in order. */
export function wordsAt({ words }: Said, positions: ReadonlySet<number>): string[] {
  return words.filter(({ first, last }) => positionsOf(first, last).some((i) => positions.has(i))).map(({ label }) => label);
}

export function positionsOf(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, n) => first + n);
}
