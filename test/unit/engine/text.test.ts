import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { crc32 } from 'node:zlib';
import { dictionary } from 'cmu-pronouncing-dictionary';
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
  it('gives the same sentences and phones as its Python twin on 1,250 texts', () => {
    const lines = readFileSync(resolve(ROOT, 'test/fixtures/text/phones.jsonl'), 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(1250);
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
    [
      '10^6, 10⁻³, 10¹² and 5 m²',
      'Ten to the power of six, ten to the power of minus three, ten to the power of twelve and five meters squared.',
    ],
    [
      'It took 1e6 steps at 1.5e-3.',
      'It took one times ten to the power of six steps at one point five times ten to the power of minus three.',
    ],
    ['He is 5 ft. 6 in. tall and 60 kg. or so.', 'He is five feet six inches tall and sixty kilograms or so.'],
    ['A 911 call cost 911 dollars.', 'A nine one one call cost nine hundred eleven dollars.'],
    ['Open 24/7, rated 10/10 or 9/10.', 'Open twenty four seven, rated ten out of ten or nine out of ten.'],
    ['A 50/50 chance on 9/11', 'A fifty fifty chance on nine eleven'],
    ['Take 7/8 on 12/25, 3/4 of it on 3/4', 'Take seven eighths on december twenty fifth, three quarters of it on march fourth'],
    ['120/80 and $20/month', 'one hundred twenty over eighty and twenty dollars per month'],
    ['-$20 or $-20, 5¢ or 1¢', 'minus twenty dollars or minus twenty dollars, five cents or one cent'],
    ['1€, €1, 5,50 € and 3.50£', 'one euro, one euro, five euros and fifty cents and three pounds and fifty pence'],
    [
      '$5-10, $5.50-$7.25, $1-2 million',
      'five to ten dollars, five dollars and fifty cents to seven dollars and twenty five cents, one to two million dollars',
    ],
    ['Version 2.0.1 and v1.2.3', 'Version two point zero point one and version one point two point three'],
    [
      '192.168.0.1 or 10.0.0.255:80',
      'one hundred ninety two dot one hundred sixty eight dot zero dot one or ten dot zero dot zero dot two hundred fifty five colon eighty',
    ],
    ['on 13.5.2024', 'on may thirteenth, twenty twenty four'],
    ['Call +1 555-123-4567', 'Call plus one, five five five, one two three, four five six seven'],
    [
      '555.123.4567 or 020 7946 0958',
      'five five five, one two three, four five six seven or zero two zero, seven nine four six, zero nine five eight',
    ],
    ['Dial 911, 5551234567', 'Dial nine one one, five five five one two three four five six seven'],
    ['5-10 people, 500-1000 more, 1.5-2.5', 'five to ten people, five hundred to one thousand more, one point five to two point five'],
    [
      '5-10%, 5-10 kg, 9am-5pm, 9:30-10:45',
      'five to ten percent, five to ten kilograms, nine A M to five P M, nine thirty to ten forty five',
    ],
    ['3-1=2, 1-2-3', 'three minus one equals two, one, two, three'],
    ['#1, C#, #hashtag @ noon', 'number one, C sharp, hashtag hashtag at noon'],
    ['50%, 3x faster, 1.5x, 3x4', 'fifty percent, three times faster, one point five times, three by four'],
    ['Mail ada_b@mail.example.org', 'Mail ada underscore B at mail dot example dot org'],
    ['See https://www.example.com/x?y=1#top.', 'See W W W dot example dot com slash X question mark Y equals one hash top.'],
    ['http://localhost:8080 or index.html', 'localhost colon eight thousand eighty or index dot html'],
    ['R&D w/o AC/DC or N/A now', 'R and D without A.C.D.C. or N.A. now'],
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

  it('takes a letter that stands alone for the letter, not for the article', () => {
    for (const text of [
      'She got an A.',
      'the letter a',
      'vitamin A helps',
      "straight A's",
      'A and B',
      'A is a letter',
      'an A/B test',
      'an “A”',
    ])
      expect(phonesOf(text), text).toMatch(/(^|_ )EY1( |$)/);
    for (const text of ['A man', 'He said: “A man came.”', 'A Tale of A City']) expect(phonesOf(text), text).not.toMatch(/(^|_ )EY1( |$)/);
    expect(readAll(new FrontEnd(g2p), 'She got an A. He got plan B. It is by J. R. Smith.').map((part) => (part as string[])[0])).toEqual([
      'She got an A.',
      'He got plan B.',
      'It is by J. R. Smith.',
    ]);
  });

  it('keeps pauses between what they part', () => {
    expect(phonesOf('Go [pause 0.5s] now')).toBe('G OW1 . | 0.5 | N AW1 .');
    expect(phonesOf('Go [Pause 2] now')).toBe('G OW1 . | 2 | N AW1 .');
    expect(phonesOf('Go [pause 1s]')).toBe('G OW1 . | 1');
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
    ['Go [pause 11 s] now', /“\[pause 11 s\]” is longer than the 10 seconds that one pause may last\. Write a shorter one/],
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
  it('as it ships gets at most one phone in ten wrong, stress and all, in words that it was not trained on', () => {
    let [wrong, phones] = [0, 0];
    for (const [word, pronunciations] of heldOut().slice(0, 1000)) {
      const found = g2p(word);
      const best = pronunciations.map((right) => [edits(found, right), right.length] as const).sort(([a], [b]) => a - b)[0];
      wrong += best?.[0] ?? 0;
      phones += best?.[1] ?? 0;
    }
    expect(phones).toBeGreaterThan(5000);
    expect(wrong / phones).toBeLessThanOrEqual(0.1);
  }, 120_000);

  it('refuses a damaged file with a sentence', () => {
    expect(() => loadG2p(new Uint8Array(100))).toThrow('g2p.bin) is damaged');
  });
});

/** The words of CMUdict that `training/text/train_g2p.py` keeps from the training, in its order, with all their pronunciations. */
function heldOut(): [word: string, pronunciations: string[][]][] {
  const words = new Map<string, string[][]>();
  for (const [key, phones] of Object.entries(dictionary)) {
    const word = key.replace(/\(\d+\)$/, '');
    if (!/^[a-z']*[a-z][a-z']*$/.test(word) || crc32(word) % 20 !== 0) continue;
    words.set(word, [...(words.get(word) ?? []), phones.split(' ')]);
  }
  return [...words].sort(([a], [b]) => crc32(a) - crc32(b));
}

/** Phones to be put in, left out or changed. */
function edits(found: readonly string[], right: readonly string[]): number {
  let row = Array.from({ length: right.length + 1 }, (_, n) => n);
  found.forEach((phone, i) => {
    const next = [i + 1];
    right.forEach((other, j) => {
      next.push(Math.min((row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1, (row[j] ?? 0) + (phone === other ? 0 : 1)));
    });
    row = next;
  });
  return row.at(-1) ?? 0;
}
