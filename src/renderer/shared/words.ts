import type { Spoken } from '../../contract/index.js';

/** A word of a sentence, and when it is heard, in seconds from the sentence's start. */
export interface SpokenWord {
  readonly text: string;
  readonly from: number;
  readonly until: number;
}

/** What the front end writes between two words. */
const BETWEEN = '_';
const MARKS = new Set(['.', ',', ';', ':', '?', '!']);
/** About how many phones a letter and a digit come to: “7” is five phones, “1999” twelve. */
const PHONES_PER_LETTER = 0.8;
const PHONES_PER_DIGIT = 4;

interface Group {
  readonly from: number;
  readonly until: number;
  readonly phones: number;
}

/**
 * The words as they are written, with their times. What is said may have other words: “42” is two. Then each written word takes the said
 * words, in their order, whose phones are as many as its letters promise.
 */
export function wordsOf({ text, phones, ms }: Spoken): SpokenWord[] {
  const written = text.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const groups = groupsOf(phones, ms);
  const shares = written.length === groups.length ? groups.map((_, n) => n + 1) : ends(written.map(promised), groups);
  let first = 0;
  return written.flatMap((word, n) => {
    const said = groups.slice(first, shares[n]);
    first = shares[n] ?? first;
    const [start, end] = [said[0], said.at(-1)];
    return start && end ? [{ text: word, from: start.from, until: end.until }] : [];
  });
}

function groupsOf(phones: readonly string[], ms: readonly number[]): Group[] {
  const groups: Group[] = [];
  let time = 0;
  let open = false;
  phones.forEach((phone, n) => {
    const until = time + (ms[n] ?? 0) / 1000;
    const last = groups.at(-1);
    if (phone === BETWEEN || MARKS.has(phone)) open = false;
    else if (open && last) groups[groups.length - 1] = { from: last.from, until, phones: last.phones + 1 };
    else {
      groups.push({ from: time, until, phones: 1 });
      open = true;
    }
    time = until;
  });
  return groups;
}

function promised(word: string): number {
  const digits = word.match(/\p{N}/gu)?.length ?? 0;
  const letters = word.match(/\p{L}/gu)?.length ?? 0;
  return digits * PHONES_PER_DIGIT + letters * PHONES_PER_LETTER;
}

/** For each word, how many groups have been taken after it: the split with the least sum of squared differences. */
function ends(wanted: readonly number[], groups: readonly Group[]): number[] {
  const before = [0];
  for (const { phones } of groups) before.push((before.at(-1) ?? 0) + phones);
  let costs = before.map((_, g) => (g === 0 ? 0 : Infinity));
  const from = wanted.map((want) => {
    const chosen: number[] = [];
    costs = before.map((total, g) => {
      let best = Infinity;
      for (let h = 0; h <= g; h++) {
        const cost = (costs[h] ?? Infinity) + (total - (before[h] ?? 0) - want) ** 2;
        if (cost < best) [best, chosen[g]] = [cost, h];
      }
      return best;
    });
    return chosen;
  });
  const out: number[] = [];
  let end = groups.length;
  for (let n = wanted.length - 1; n >= 0; n--) {
    out[n] = end;
    end = from[n]?.[end] ?? 0;
  }
  return out;
}
