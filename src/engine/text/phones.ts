import { dictionary } from 'cmu-pronouncing-dictionary';
import { StudioError } from '../../contract/errors.js';
import { type G2p } from './g2p.js';
import { isMark, parts, tokens } from './normalise.js';
import { type Say, createSay } from './say.js';
import { lookUp, tables } from './tables.js';

const SIBILANT = ['S', 'Z', 'SH', 'ZH', 'CH', 'JH'];
const VOICELESS = ['P', 'T', 'K', 'F', 'TH'];

export interface Sentence {
  text: string;
  /** ARPAbet with stress, `_` between words, punctuation as itself. */
  phones: string[];
}

/** Words in lower case to phones (“EH1 N JH AH0 N”) or to a respelling (“engine”). */
export type UserDictionary = Readonly<Record<string, string>>;

const known = (word: string): string | undefined => lookUp(dictionary, word);

/** English text to phones: user dictionary, weak forms, CMUdict, endings, then the model for unknown words. Twin of `training/text/phones.py`. */
export class FrontEnd {
  readonly #say: Readonly<Record<string, Say>> = createSay((word) => known(word) !== undefined);

  constructor(
    private readonly g2p: G2p,
    private readonly user: UserDictionary = {},
  ) {}

  /**
   * Sentences, and seconds of silence between them, in order.
   * @throws StudioError `bad-request`: a sentence that says why the text can't be said
   */
  read(text: string): (Sentence | number)[] {
    const out: (Sentence | number)[] = [];
    for (const part of parts(text)) {
      if (typeof part === 'number') out.push(part);
      else {
        const phones = this.#phones(tokens(part, this.#say));
        if (phones.length > 0) out.push({ text: part, phones });
      }
    }
    if (out.every((part) => typeof part === 'number')) throw new StudioError('bad-request', tables.problems.silent);
    return out;
  }

  #phones(sentence: readonly string[]): string[] {
    const said = sentence.map((token) => (isMark(token) ? [token] : this.#word(token)));
    const out: string[] = [];
    sentence.forEach((token, i) => {
      const the = token === 'the' && !Object.hasOwn(this.user, 'the');
      if (out.length > 0 && !isMark(token)) out.push('_');
      out.push(...(the ? ['DH', /^[AEIOU]/.test(said[i + 1]?.[0] ?? '') ? 'IY0' : 'AH0'] : (said[i] ?? [])));
    });
    return out;
  }

  #word(word: string): string[] {
    const own = lookUp(this.user, word);
    if (own !== undefined) return this.#respelled(own);
    if (word.startsWith('_')) {
      const letter = (lookUp(tables.letters, word.charAt(1)) ?? '').split(' ');
      return word.endsWith("'s") ? [...letter, ...plural(letter)] : letter;
    }
    const found = lookUp(tables.weak, word) ?? known(word);
    if (found !== undefined) return found.split(' ');
    if (word.startsWith("'")) return this.#word(word.slice(1));
    return this.#withEnding(word) ?? this.g2p(word);
  }

  #respelled(entry: string): string[] {
    if (/^[A-Z]{1,2}[012]?( [A-Z]{1,2}[012]?)*$/.test(entry)) return entry.split(' ');
    const plain = new FrontEnd(this.g2p);
    return tokens(entry, this.#say).flatMap((token) => (isMark(token) ? [] : plain.#word(token)));
  }

  /** Words that the dictionary has without their ending: possessives, plurals, -ed and -ing. */
  #withEnding(word: string): string[] | null {
    if (word.endsWith("'s") && word.length > 2) {
      const stem = this.#word(word.slice(0, -2));
      return [...stem, ...plural(stem)];
    }
    const endings: [ending: string, stems: string[], said: (stem: readonly string[]) => string[]][] = [
      ['ed', [word.slice(0, -2), word.slice(0, -1)], past],
      ['ing', [word.slice(0, -3), `${word.slice(0, -3)}e`], () => ['IH0', 'NG']],
      ['s', [word.slice(0, -1)], plural],
    ];
    for (const [ending, stems, said] of endings) {
      if (!word.endsWith(ending) || word.endsWith('ss')) continue;
      const stem = stems
        .flatMap((candidate) => (candidate.length > 2 ? [known(candidate)] : []))
        .find(Boolean)
        ?.split(' ');
      if (stem) return [...stem, ...said(stem)];
    }
    return null;
  }
}

function plural(stem: readonly string[]): string[] {
  const last = stem.at(-1) ?? '';
  if (SIBILANT.includes(last)) return ['IH0', 'Z'];
  return VOICELESS.includes(last) ? ['S'] : ['Z'];
}

function past(stem: readonly string[]): string[] {
  const last = stem.at(-1) ?? '';
  if (last === 'T' || last === 'D') return ['IH0', 'D'];
  return [...VOICELESS, 'S', 'SH', 'CH'].includes(last) ? ['T'] : ['D'];
}
