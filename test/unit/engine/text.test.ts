import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type G2p, loadG2p } from '../../../src/engine/text/g2p.js';
import { FrontEnd } from '../../../src/engine/text/phones.js';

const ROOT = resolve(import.meta.dirname, '..', '..', '..');
const g2p: G2p = loadG2p(readFileSync(resolve(ROOT, 'resources/text/g2p.bin')));

interface CorpusLine {
  text: string;
  /** Text and phones of a sentence, or seconds of silence. */
  parts: ([string, string] | number)[];
}

const readAll = (frontEnd: FrontEnd, text: string): CorpusLine['parts'] =>
  frontEnd.read(text).map((part) => (typeof part === 'number' ? part : [part.text, part.phones.join(' ')]));

const phonesOf = (text: string, frontEnd = new FrontEnd(g2p)): string =>
  readAll(frontEnd, text)
    .map((part) => (typeof part === 'number' ? String(part) : part[1]))
    .join(' | ');

describe('the front end', () => {
  it('gives the same sentences and phones as its Python twin on 1,000 texts', () => {
    const lines = readFileSync(resolve(ROOT, 'test/fixtures/text/phones.jsonl'), 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(1000);
    const frontEnd = new FrontEnd(g2p, { resgen: 'R EH1 Z JH EH2 N', qwertz: 'kwerts' });
    for (const line of lines) {
      const { text, parts } = JSON.parse(line) as CorpusLine;
      expect(JSON.stringify(readAll(frontEnd, text)), text).toBe(JSON.stringify(parts));
    }
  }, 240_000);

  it.each([
    ['I paid $1,234.56.', 'I paid one thousand two hundred thirty four dollars and fifty six cents.'],
    ['On 3/4/1999 at 5:30 p.m.', 'On march fourth, nineteen ninety nine at five thirty P M.'],
    ['Dr. Brown weighs 70 kg', 'doctor brown weighs seventy kilograms'],
    ['Louis XIV and Chapter IV', 'louis the fourteenth and chapter four'],
    ['It rose 2.5% in the 1980s.', 'it rose two point five percent in the nineteen eighties.'],
    ['The 21st, ½ and 2 3/4', 'the twenty first, one half and two and three quarters'],
    ['“Smart” ‘quotes’ – and 😀 emoji', '"smart" \'quotes\' - and emoji'],
    ['café', 'cafe'],
  ])('says “%s” as “%s”', (written, said) => {
    expect(phonesOf(written)).toBe(phonesOf(said));
  });

  it('reduces function words, and “the” by what follows', () => {
    expect(phonesOf('the apple of the man')).toBe('DH IY0 _ AE1 P AH0 L _ AH0 V _ DH AH0 _ M AE1 N .');
  });

  it('forms endings of words the dictionary has only without them', () => {
    expect(phonesOf("the ukulele's")).toMatch(/L IY0 Z \.$/);
    expect(phonesOf("Blick's Blitz's")).toMatch(/K S _ .* IH0 Z \.$/);
  });

  it('splits sentences but not at abbreviations, initials or decimals', () => {
    expect(readAll(new FrontEnd(g2p), 'Mr. J. R. Smith has 3.5. Really? Yes... maybe.').map((part) => (part as string[])[0])).toEqual([
      'Mr. J. R. Smith has 3.5.',
      'Really?',
      'Yes... maybe.',
    ]);
  });

  it('keeps pauses between what they part', () => {
    expect(phonesOf('Go [pause 0.5s] now')).toBe('G OW1 . | 0.5 | N AW1 .');
    expect(phonesOf('Go [Pause 2] now')).toBe('G OW1 . | 2 | N AW1 .');
  });

  it('lets the user dictionary overrule all else, by phones or by respelling', () => {
    const own = new FrontEnd(g2p, { the: 'DH AH0', nguyen: 'win' });
    expect(phonesOf('the apple, Nguyen', own)).toBe('DH AH0 _ AE1 P AH0 L , _ W IH1 N .');
  });

  it('cuts a sentence without end where it can', () => {
    const parts = readAll(new FrontEnd(g2p), 'one two three, '.repeat(60));
    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts) expect((part as string[])[0]?.length).toBeLessThanOrEqual(300);
  });

  it.each([
    ['', /^bad-request: There is no text to say/],
    ['  \n ', /There is no text to say/],
    ['😀 !! ...', /There are no words in this text/],
    ['Привет', /Latin letters only, but the text has “П”/],
    ['Say 你好', /“你”/],
    ['Go [pause 0,5s] now', /“\[pause 0,5s\]” is not a pause that can be read\. Write it as \[pause 0\.5s\]/],
    ['Go [pause] now', /“\[pause\]” is not a pause/],
    ['x '.repeat(50_000), /100,000 characters; 50,000 can be said at once/],
  ])('refuses a text that it can not say with a sentence', (text, sentence) => {
    let said = '';
    try {
      new FrontEnd(g2p).read(text);
    } catch (error) {
      said = error instanceof Error && 'code' in error ? `${String(error.code)}: ${error.message}` : '';
    }
    expect(said).toMatch(sentence);
  });
});

describe('the model for unknown words', () => {
  it('refuses a damaged file with a sentence', () => {
    expect(() => loadG2p(new Uint8Array(100))).toThrow('g2p.bin) is damaged');
  });
});
