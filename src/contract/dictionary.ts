import { z } from 'zod';
import { LIMITS, numbers } from './limits.js';

/** The person's own dictionary: how words are said that the studio says wrong. */

const DICTIONARY_LIMITS = numbers(LIMITS.dictionary);

const VOWELS = 'AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW'.split(' ');
const CONSONANTS = 'B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH'.split(' ');
/** ARPAbet, as CMUdict and the front end have it: vowels carry their stress. */
const PHONES: ReadonlySet<string> = new Set([...CONSONANTS, ...VOWELS.flatMap((vowel) => ['0', '1', '2'].map((stress) => vowel + stress))]);

/** What the front end takes for phones: no lower case. */
const LOOKS_LIKE_PHONES = /^[A-Z]{1,2}[012]?(?: [A-Z]{1,2}[012]?)*$/;
const RESPELLING = /^[A-Za-z]+(?:[ '-][A-Za-z]+)*$/;

/** As the front end sees words: in lower case and without accents, an apostrophe at most between letters. */
export const DictionaryWord = z
  .string()
  .max(DICTIONARY_LIMITS.word)
  .transform((word) =>
    word
      .trim()
      .toLowerCase()
      .normalize('NFD')
      .replace(/\p{Mn}/gu, ''),
  )
  .refine((word) => /^[a-z]+(?:'[a-z]+)*$/.test(word), 'must be one word, in the letters a to z');

/** Phones (“N UW1 JH EH1 N”) or a respelling (“new gen”). */
export const Pronunciation = z
  .string()
  .trim()
  .max(DICTIONARY_LIMITS.said)
  .transform((said) => said.replace(/\s+/g, ' '))
  .refine(
    (said) => (LOOKS_LIKE_PHONES.test(said) ? said.split(' ').every((phone) => PHONES.has(phone)) : RESPELLING.test(said)),
    'must be phones like “R EH1 Z JH EH2 N”, or the word respelled in small letters like “rez jen”',
  );

export const DictionaryEntry = z.strictObject({ word: z.string(), said: z.string() });
export type DictionaryEntry = z.infer<typeof DictionaryEntry>;

export const dictionaryCalls = {
  /** By word. */
  'dictionary.list': { params: z.null(), result: z.array(DictionaryEntry) },
  /** Adds a word or says it another way. */
  'dictionary.set': { params: z.strictObject({ word: DictionaryWord, said: Pronunciation }), result: DictionaryEntry },
  'dictionary.remove': { params: z.strictObject({ word: DictionaryWord }), result: z.null() },
} as const;
