import { lookUp, tables } from './tables.js';

/**
 * How numbers, dates, money and the like are said: one function for each name in the rules of `english.json`, the twin of
 * `training/text/say.py`. Each takes the whole match and its groups ('' for one that took no part), and gives words. Numbers stay strings of
 * digits throughout.
 */
export type Say = (match: string, ...groups: string[]) => string;

const t = tables;
const at = (list: readonly string[], i: number): string => list[i] ?? '';

function belowHundred(n: number): string {
  if (n < 20) return at(t.ones, n);
  const tens = at(t.tens, Math.floor(n / 10));
  return n % 10 ? `${tens} ${at(t.ones, n % 10)}` : tens;
}

function belowThousand(n: number): string {
  const hundreds = n >= 100 ? [`${at(t.ones, Math.floor(n / 100))} hundred`] : [];
  const rest = n % 100 || n === 0 ? [belowHundred(n % 100)] : [];
  return [...hundreds, ...rest].join(' ');
}

const oneByOne = (digits: string): string => Array.from(digits, (d) => at(t.ones, Number(d))).join(' ');

/** Numbers too large for the named scales, and those with leading zeros, are said digit by digit. */
function whole(digits: string): string {
  if (digits.length > 3 * t.scales.length || (digits.length > 1 && digits.startsWith('0'))) return oneByOne(digits);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.../g) ?? [];
  const said = groups.flatMap((group, i) =>
    Number(group) ? [`${belowThousand(Number(group))} ${at(t.scales, groups.length - 1 - i)}`.trim()] : [],
  );
  return said.join(' ') || at(t.ones, 0);
}

/** Without leading zeros, as hours and days are said. */
const plain = (digits: string): string => whole(String(Number(digits)));

/** A number as written, with sign, commas and decimals. */
function number(text: string): string {
  const [before = '', after = ''] = text.replace(/^-/, '').replaceAll(',', '').split('.');
  return (text.startsWith('-') ? 'minus ' : '') + whole(before) + (after ? ` point ${oneByOne(after)}` : '');
}

function toOrdinal(words: string): string {
  const cut = words.lastIndexOf(' ') + 1;
  const last = words.slice(cut);
  const regular = last.endsWith('y') ? `${last.slice(0, -1)}ieth` : `${last}th`;
  return words.slice(0, cut) + (lookUp(t.ordinals, last) ?? regular);
}

function yearWords(digits: string): string {
  if (digits.length !== 4) return whole(digits);
  const first = Number(digits.slice(0, 2));
  const last = Number(digits.slice(2));
  if (last === 0) return first % 10 === 0 ? whole(digits) : `${belowHundred(first)} hundred`;
  if (first % 10 === 0 && last < 10) return whole(digits);
  return `${belowHundred(first)} ${last < 10 ? 'oh ' : ''}${belowHundred(last)}`;
}

/** Letters by their names; `_a` is the letter, so that it is not taken for the article. A plural's s goes to the last one. */
function spell(text: string, plural = ''): string {
  const said = Array.from(text.toLowerCase().replace(/[^a-z]/g, ''), (c) => `_${c}`).join(' ');
  return plural ? `${said}'s` : said;
}

const halfOfDay = (letter: string): string => (letter ? spell(`${letter}m`) : '');

function date(month: number, day: string, year: string): string {
  const said = `${at(t.months, month - 1)} ${toOrdinal(plain(day))}`;
  return year ? `${said}, ${yearWords(year)}` : said;
}

const monthOf = (name: string): number => t.months.findIndex((month) => month.startsWith(name.toLowerCase().slice(0, 3))) + 1;

function fraction(above: string, below: string): string {
  const [a, b] = [Number(above), Number(below)];
  if (a === 0 || b === 0 || a > 99 || b > 100) return `${whole(String(a))} over ${whole(String(b))}`;
  const one = b === 1 ? 'over one' : b === 2 ? 'half' : b === 4 ? 'quarter' : toOrdinal(whole(String(b)));
  const many = b === 2 ? 'halves' : `${one}s`;
  return `${whole(String(a))} ${a > 1 && b > 1 ? many : one}`;
}

const count = (text: string): string => (/^(1[1-9][0-9]{2}|20[0-9]{2})$/.test(text) ? yearWords(text) : number(text));

const ROMAN: Readonly<Record<string, number>> = { i: 1, v: 5, x: 10, l: 50, c: 100 };

function roman(text: string): string {
  const values = Array.from(text.toLowerCase(), (c) => ROMAN[c] ?? 0);
  return String(values.reduce((sum, v, i) => sum + (v < (values[i + 1] ?? 0) ? -v : v), 0));
}

const SIGNS: Readonly<Record<string, string>> = {
  '.': 'dot',
  '@': 'at',
  '-': 'dash',
  '/': 'slash',
  '+': 'plus',
  _: 'underscore',
  ':': 'colon',
  '?': 'question mark',
  '=': 'equals',
  '&': 'and',
  '#': 'hash',
  '%': 'percent',
  '~': 'tilde',
};

/** The address of a machine (192.168.0.1), or a version (2.0.1). */
function dotted(text: string, port: string): string {
  const numbers = text.split('.');
  const isAddress = numbers.length === 4 && numbers.every((one) => Number(one) < 256);
  const said = numbers.map(whole).join(isAddress ? ' dot ' : ' point ');
  return port ? `${said} colon ${whole(port)}` : said;
}

const magnitudeOf = (name: string): string => lookUp(t.magnitudes, name.toLowerCase()) ?? name.toLowerCase();

function money(minus: string, sign: string, text: string, magnitude: string): string {
  const [one = '', many = '', cent = '', cents = ''] = t.currencies[sign as keyof typeof t.currencies];
  const belowZero = minus || text.startsWith('-') ? 'minus ' : '';
  // With a point for the decimals, where there is a comma (5,50 €).
  const amount = text.replace(/^-+/, '').replace(/,(\d\d)$/, '.$1');
  if (magnitude) return `${belowZero}${number(amount)} ${magnitudeOf(magnitude)} ${many}`;
  const [before = '', after = ''] = amount.replaceAll(',', '').split('.');
  if (after.length !== 2) return `${belowZero}${number(amount)} ${amount === '1' ? one : many}`;
  const small = Number(after) ? `${belowHundred(Number(after))} ${after === '01' ? cent : cents}` : '';
  if (small && !/[^0]/.test(before)) return belowZero + small;
  return `${belowZero}${whole(before)} ${before === '1' ? one : many}${small ? ' and ' : ''}${small}`;
}

const isOne = (amount: string): 0 | 1 => (amount === '1' ? 0 : 1);

/** @param isWord whether the dictionary knows a word in lower case */
export function createSay(isWord: (word: string) => boolean): Readonly<Record<string, Say>> {
  return {
    number: () => 'number',
    cardinal: (_, text = '') => number(text),
    ordinal: (_, digits = '') => toOrdinal(whole(digits.replaceAll(',', ''))),
    year: (_, digits = '') => yearWords(digits),

    /** Signs by their names; a letter alone is one, not the article. */
    address(_, text = '') {
      const said = Array.from(text, (c) => (Object.hasOwn(SIGNS, c) ? ` ${SIGNS[c] ?? ''} ` : c)).join('');
      return said.replace(/\b[A-Za-z]\b/g, (letter) => spell(letter)).replace(/www/gi, spell('www'));
    },
    dotted: (_, text = '', port = '') => dotted(text, port),
    version: () => 'version',
    space: () => '',
    /** 1.000,50: a point between thousands and a comma for the decimals. */
    european: (_, text = '') => number(text.replaceAll('.', '').replace(',', '.')),

    time(_, hours = '', minutes = '', seconds = '', half = '') {
      if (Number(hours) > 24) return `${whole(hours)} ${whole(minutes)}`;
      const words = [plain(hours)];
      if (Number(minutes)) words.push((minutes.startsWith('0') ? 'oh ' : '') + belowHundred(Number(minutes)));
      else if (!half && !seconds) words.push(Number(hours) > 0 && Number(hours) <= 12 ? "o'clock" : 'hundred');
      if (seconds) words.push(`and ${belowHundred(Number(seconds))} seconds`);
      return [...words, halfOfDay(half)].join(' ');
    },
    hour: (_, hours = '', half = '') => `${plain(hours)} ${halfOfDay(half)}`,

    isoDate: (_, y = '', m = '', d = '') => (Number(m) >= 1 && Number(m) <= 12 ? date(Number(m), d, y) : [y, m, d].map(plain).join(' ')),
    slashDate(_, a = '', b = '', y = '') {
      const [month, day] = Number(a) <= 12 ? [a, b] : [b, a];
      if (Number(month) < 1 || Number(month) > 12) return [a, b, y].map(plain).join(' slash ');
      return date(Number(month), day, y.length === 4 ? y : (Number(y) < 50 ? '20' : '19') + y);
    },
    dotDate(match, day = '', month = '', y = '') {
      const isDate = Number(month) >= 1 && Number(month) <= 12 && Number(day) >= 1 && Number(day) <= 31;
      return isDate ? date(Number(month), day, y) : dotted(match, '');
    },
    dayOfYear: (_, before = '', month = '', day = '') => `${before} ${date(Number(month), day, '')}`,
    monthDay: (_, month = '', day = '', y = '') => date(monthOf(month), day, y),
    dayMonth(_, day = '', month = '', y = '') {
      const said = `the ${toOrdinal(plain(day))} of ${at(t.months, monthOf(month) - 1)}`;
      return y ? `${said}, ${yearWords(y)}` : said;
    },
    decade(_, century = '', tens = '') {
      if (tens !== '00') return `${belowHundred(Number(century))} ${lookUp(t.decades, tens) ?? ''}`;
      return Number(century) % 10 ? `${belowHundred(Number(century))} hundreds` : `${whole(century + tens)}s`;
    },
    decadeShort: (_, tens = '') => lookUp(t.decades, tens) ?? '',

    money: (_, minus = '', sign = '', text = '', magnitude = '') => money(minus, sign, text, magnitude),
    moneyAfter: (_, text = '', magnitude = '', sign = '') => money('', sign, text, magnitude),
    /** $5-10 million; amounts with cents are said each in full. */
    moneySpan(_, sign = '', a = '', b = '', magnitude = '') {
      if (!magnitude && [a, b].some((amount) => /\.\d\d$/.test(amount))) return `${money('', sign, a, '')} to ${money('', sign, b, '')}`;
      const scale = magnitude ? ` ${magnitudeOf(magnitude)}` : '';
      return `${number(a)} to ${number(b)}${scale} ${t.currencies[sign as keyof typeof t.currencies][1] ?? ''}`;
    },
    cents: (_, amount = '') => `${number(amount)} ${amount === '1' ? 'cent' : 'cents'}`,
    per: () => 'per',
    percent: (_, amount = '') => `${number(amount)} percent`,
    degrees: (_, amount = '', scale = '') =>
      `${number(amount)} ${amount === '1' ? 'degree' : 'degrees'} ${lookUp(t.temperatures, scale) ?? ''}`,
    unit: (_, amount = '', name = '') => `${number(amount)} ${t.units[name as keyof typeof t.units][isOne(amount)] ?? ''}`,
    height: (_, feet = '', inches = '') => `${whole(feet)} foot ${whole(inches)}`,
    feetInches: (_, feet = '', inches = '') =>
      `${whole(feet)} ${feet === '1' ? 'foot' : 'feet'} ${whole(inches)} ${inches === '1' ? 'inch' : 'inches'}`,
    /** 1.5e-6, as a product with a power that a later rule says. */
    scientific: (_, amount = '', exponent = '') => `${amount} times 10^${Number(exponent) || 0}`,
    /** What stands behind its base: x^2, 10^-6, and 10¹², of which each sign came as one with a caret. */
    power(_, text = '') {
      const exponent = text.replaceAll('^', '');
      return exponent === '2' ? 'squared' : exponent === '3' ? 'cubed' : `to the power of ${number(exponent)}`;
    },
    /** 24/7, 50/50: two numbers that are a name. */
    pair: (_, a = '', b = '') => `${whole(a)} ${whole(b)}`,
    /** A mark (9/10); what is more than the whole is a fraction. */
    outOf: (_, a = '', b = '') => (Number(a) <= Number(b) ? `${whole(a)} out of ${whole(b)}` : fraction(a, b)),
    fraction: (_, above = '', below = '') => fraction(above, below),
    mixedFraction(_, n = '', above = '', below = '') {
      const said = fraction(above, below);
      return `${whole(n)} and ${said.startsWith('one ') ? `a ${said.slice(4)}` : said}`;
    },
    /** A number that is called rather than counted: digit by digit, with a breath between its groups. */
    digits(_, ...texts) {
      const text = texts.join('');
      return (text.startsWith('+') ? 'plus ' : '') + (text.match(/\d+/g) ?? []).map(oneByOne).join(', ');
    },
    span: (_, a = '', b = '') => `${count(a)} to ${count(b)}`,
    by: (_, a = '', b = '') => `${number(a)} by ${number(b)}`,
    /** The first of two amounts with one unit (5-10 kg), as it stands: rules that follow say it. */
    to: (_, first = '') => `${first} to`,
    minus: () => 'minus',
    times: (_, amount = '') => `${number(amount)} ${amount === '1' ? 'time' : 'times'}`,
    multiplied: () => 'times',
    sharp: (_, note = '') => `${spell(note)} sharp`,
    hashtag: () => 'hashtag',
    about: () => 'about',
    point: () => 'point',

    chapter: (_, word = '', numeral = '') => `${word} ${whole(roman(numeral))}`,
    reign: (_, name = '', numeral = '') => `${name} the ${toOrdinal(whole(roman(numeral)))}`,
    saint: () => 'saint',
    street: () => 'street',
    abbreviation: (_, name = '') => lookUp(t.abbreviations, name.toLowerCase()) ?? '',
    forExample: () => 'for example',
    thatIs: () => 'that is',
    without: () => 'without',
    withWord: () => 'with',
    andOr: () => 'and or',
    dot: () => 'dot',
    /** R&D, AT&T */
    both: (_, a = '', b = '') => `${spell(a)} and ${spell(b)}`,

    letters: (_, text = '', plural = '') => spell(text, plural),
    /** One that the dictionary knows is a word (NASA) unless it is listed as spelled (US); others are spelled where no one could say them. */
    acronym(match, text = '', plural = '') {
      const word = text.toLowerCase();
      const unsayable = !isWord(word) && (word.length < 5 || !/[aeiouy]/.test(word));
      return unsayable || t.spelled.includes(word) ? spell(text, plural) : match;
    },
    /** MP3, H2O, 4K, B2B: runs of capitals and single letters are spelled, other runs are words, numbers are numbers. */
    alphanumeric(_, text = '') {
      const said = (text.match(/\d+|[A-Z]+(?![a-z])|[A-Za-z]+/g) ?? []).map((run) => {
        if (/\d/.test(run)) return whole(run);
        return run.length === 1 || !/[a-z]/.test(run) ? spell(run) : run;
      });
      return said.join(' ');
    },
  };
}
