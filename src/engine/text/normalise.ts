import { StudioError } from '../../contract/errors.js';
import { type Say } from './say.js';
import { lookUp, tables } from './tables.js';

const { problems, limits, kept } = tables;

const bad = (sentence: string): StudioError => new StudioError('bad-request', sentence);

/**
 * The text in ASCII and `kept` signs: quotes and dashes unified, accents dropped, emoji dropped.
 * @throws StudioError `bad-request`: empty, too long, or in another alphabet
 */
function clean(text: string): string {
  if (!text.trim()) throw bad(problems.empty);
  const characters = Array.from(text);
  if (characters.length > limits.characters) {
    const [count, limit] = [characters.length, limits.characters].map((n) => n.toLocaleString('en-US'));
    throw bad(problems.long.replace('{count}', count ?? '').replace('{limit}', limit ?? ''));
  }
  let out = '';
  for (const original of characters) {
    const mapped = lookUp(tables.characters, original) ?? original;
    for (const c of mapped.normalize('NFKC').normalize('NFD')) {
      for (const sign of kept.includes(c) ? c : (lookUp(tables.characters, c) ?? c)) {
        if ((sign >= ' ' && sign <= '~') || sign === '\n' || kept.includes(sign)) out += sign;
        else if (/\p{L}/u.test(sign)) throw bad(problems.alphabet.replace('{letter}', original));
        else if (!/[\p{Mn}\p{Cf}]/u.test(sign)) out += ' ';
      }
    }
  }
  return out;
}

const PAUSE = /\[pause\s+(\d{1,5}(?:\.\d{1,3})?)\s*(ms|s)?\s*\]/gi;
const ODD_PAUSE = /\[\s*pause\b[^\]\n]*\]/i;
const END = /[.!?]+["')\]]*\s+(?=["'(\[]*([A-Z0-9]))/g;
const BEFORE_DOT = /(?:([A-Za-z]+)\s+)?([A-Za-z][A-Za-z.]*)\.["')\]]*\s+$/;

/**
 * Sentences in order, and between them seconds of silence from `[pause 0.5s]`.
 * @throws StudioError `bad-request`; also for a pause that is written otherwise, which would be read aloud, or is too long
 */
export function parts(text: string): (string | number)[] {
  const cleaned = clean(text);
  const odd = ODD_PAUSE.exec(cleaned.replace(PAUSE, ''));
  if (odd) throw bad(problems.pause.replace('{pause}', odd[0]));
  const out: (string | number)[] = [];
  let from = 0;
  for (const m of cleaned.matchAll(PAUSE)) {
    const milliseconds = Number(m[1]) * (m[2]?.toLowerCase() === 'ms' ? 1 : 1000);
    if (milliseconds > limits.pauseSeconds * 1000)
      throw bad(problems.longPause.replace('{pause}', m[0]).replace('{limit}', String(limits.pauseSeconds)));
    out.push(...sentences(cleaned.slice(from, m.index)), Math.floor(milliseconds + 0.5) / 1000);
    from = m.index + m[0].length;
  }
  return [...out, ...sentences(cleaned.slice(from))];
}

/** Sentences beyond the limit are cut at a pause in them, else between words. */
function sentences(cleaned: string): string[] {
  const out: string[] = [];
  for (const paragraph of cleaned.split(/\n\s*\n/)) {
    let start = 0;
    for (const m of paragraph.matchAll(END)) {
      const end = m.index + m[0].length;
      if (isInside(paragraph.slice(start, end))) continue;
      out.push(...cut(paragraph.slice(start, end)));
      start = end;
    }
    out.push(...cut(paragraph.slice(start)));
  }
  return out.filter((sentence) => /[A-Za-z0-9]/.test(sentence));
}

/** Whether a full stop ends an abbreviation or an initial rather than the sentence, as “plan B.” does. */
function isInside(before: string): boolean {
  const [, previous = '', last] = BEFORE_DOT.exec(before) ?? [];
  if (last === undefined) return false;
  const word = last.toLowerCase();
  if (word.includes('.')) return word !== 'p.m' && word !== 'a.m';
  if (word.length === 1) return last !== 'I' && !tables.lettered.includes(previous.toLowerCase());
  return (lookUp(tables.abbreviations, word) !== undefined && !tables.endings.includes(word)) || tables.inside.includes(word);
}

function cut(sentence: string): string[] {
  const out: string[] = [];
  let rest = trim(sentence.replace(/\s+/g, ' '));
  while (rest.length > limits.sentence) {
    const head = rest.slice(0, limits.sentence);
    let end = Math.max(...[', ', '; ', ': ', '— '].map((mark) => head.lastIndexOf(mark)));
    if (end < Math.floor(limits.sentence / 3)) end = head.lastIndexOf(' ');
    end = end > 0 ? end + 1 : limits.sentence;
    out.push(trim(rest.slice(0, end)));
    rest = trim(rest.slice(end));
  }
  return rest ? [...out, rest] : out;
}

const trim = (text: string): string => text.replace(/^ +| +$/g, '');

const MARKS = '?!.;:,';
export const isMark = (token: string): boolean => token.length === 1 && MARKS.includes(token);

const RULES = tables.rules.map(({ pattern, say, ...rule }) => ({ pattern: new RegExp(pattern, 'ignoreCase' in rule ? 'gi' : 'g'), say }));
const TOKEN = /_[a-z](?:'s)?|'?[a-z]+(?:'[a-z]+)*|[.,;:?!]/g;

/** Words in lower case (a spelled letter is `_a`) and single punctuation marks, with one of . ? ! at the end; empty where there is no word. */
export function tokens(sentence: string, say: Readonly<Record<string, Say>>): string[] {
  const shouted = sentence === sentence.toUpperCase() && (sentence.match(/[A-Z]+/g) ?? []).length > 2;
  let text = ` ${shouted ? sentence.toLowerCase() : sentence} `;
  for (const rule of RULES) {
    const words = say[rule.say];
    if (!words) throw new Error(`english.json names a rule “${rule.say}” that say.ts does not have`);
    text = text.replace(rule.pattern, (...found: unknown[]) => ` ${words(...matched(found))} `);
  }
  for (const [sign, words] of Object.entries(tables.symbols)) text = text.replaceAll(sign, () => words);
  const out: string[] = [];
  for (const token of text.toLowerCase().match(TOKEN) ?? []) {
    const before = out.at(-1);
    if (!isMark(token)) out.push(token);
    else if (before !== undefined && isMark(before)) out[out.length - 1] = MARKS.indexOf(token) < MARKS.indexOf(before) ? token : before;
    else if (before !== undefined) out.push(token);
  }
  const last = out.at(-1);
  if (last !== undefined && !'.?!'.includes(last)) out.splice(isMark(last) ? -1 : out.length, 1, '.');
  return out.some((token) => !isMark(token)) ? out : [];
}

/** The match and its groups as strings; what `replace` passes after them are the offset and the text. */
function matched(found: readonly unknown[]): [string, ...string[]] {
  const [match, ...groups] = found.slice(0, -2).map((group) => (typeof group === 'string' ? group : ''));
  return [match ?? '', ...groups];
}
