import { StudioError } from '../../contract/errors.js';

/**
 * Letters to phones for words that no dictionary has: the best path through an n-gram model over graphones, in integers, so that it is
 * exactly what `training/text/g2p.py` finds; that file describes the format and the training.
 */
const MAGIC = 'RGG2P1\n\0';
const BEAM = 48;

interface Header {
  order: number;
  graphones: string[];
  counts: number[];
}

/** The n-grams of one length, sorted by (parent, symbol); `first[i] .. first[i + 1]` are the children of n-gram i in the next level. */
interface Level {
  symbol: Uint16Array;
  first: Uint32Array;
  cost: Uint8Array;
  backoff: Uint8Array;
}

interface Hypothesis {
  cost: number;
  level: number;
  index: number;
  stressed: boolean;
  graphone: number;
  before: Hypothesis | null;
}

/** Where a context goes on by one symbol, and at what cost. */
interface Extension {
  cost: number;
  level: number;
  index: number;
}

export type G2p = (word: string) => string[];

/** @throws StudioError `bad-file` */
export function loadG2p(file: Uint8Array): G2p {
  const { order, graphones, levels } = parse(file);
  const phones = graphones.map((graphone) =>
    graphone
      .slice(graphone.indexOf(':') + 1)
      .split(' ')
      .filter(Boolean),
  );
  const primary = phones.map((list) => list.filter((phone) => phone.endsWith('1')).length);
  const byLetter = new Map<string, number[]>();
  graphones.forEach((graphone, i) => {
    if (i > 0) byLetter.set(graphone.charAt(0), [...(byLetter.get(graphone.charAt(0)) ?? []), i]);
  });
  const suffixes = new Map<number, { level: number; index: number }>();

  /** Index in `level + 1` of this n-gram with one symbol more, or -1. Level -1 is the empty context. */
  function child(level: number, index: number, symbol: number): number {
    if (level < 0) return symbol;
    const [parent, longer] = [levels[level], levels[level + 1]];
    if (!parent || !longer) return -1;
    let low = parent.first[index] ?? 0;
    const end = parent.first[index + 1] ?? 0;
    let high = end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((longer.symbol[middle] ?? 0) < symbol) low = middle + 1;
      else high = middle;
    }
    return low < end && longer.symbol[low] === symbol ? low : -1;
  }

  /** The n-gram without its first symbol. All suffixes of an n-gram are in the model. */
  function suffix(level: number, index: number): { level: number; index: number } {
    if (level <= 0) return { level: -1, index: 0 };
    const key = level * 2 ** 24 + index;
    let known = suffixes.get(key);
    if (!known) {
      const up = suffix(level - 1, parentOf(level, index));
      known = { level: up.level + 1, index: child(up.level, up.index, levels[level]?.symbol[index] ?? 0) };
      suffixes.set(key, known);
    }
    return known;
  }

  function parentOf(level: number, index: number): number {
    const first = levels[level - 1]?.first ?? new Uint32Array();
    let low = 0;
    let high = first.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((first[middle] ?? 0) < index + 1) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** From the longest context that knows the symbol, paying for each shorter one. */
  function extend(level: number, index: number, symbol: number): Extension {
    let paid = 0;
    for (;;) {
      const found = child(level, index, symbol);
      if (found >= 0) return { cost: paid + (levels[level + 1]?.cost[found] ?? 0), level: level + 1, index: found };
      if (level < order - 1) paid += levels[level]?.backoff[index] ?? 0;
      ({ level, index } = suffix(level, index));
    }
  }

  /** The best hypothesis for each (context, stressed), the `BEAM` cheapest of them. */
  function advance(beam: readonly Hypothesis[], letter: string): Hypothesis[] {
    const best = new Map<number, Hypothesis>();
    for (const before of beam) {
      for (const graphone of byLetter.get(letter) ?? []) {
        const stresses = (primary[graphone] ?? 0) + (before.stressed ? 1 : 0);
        if (stresses > 1) continue;
        const { cost, level, index } = extend(before.level, before.index, graphone);
        const stressed = stresses === 1;
        const key = (level * 2 + (stressed ? 1 : 0)) * 2 ** 24 + index;
        const known = best.get(key);
        if (!known || before.cost + cost < known.cost)
          best.set(key, { cost: before.cost + cost, level, index, stressed, graphone, before });
      }
    }
    return [...best.values()].sort(byCost).slice(0, BEAM);
  }

  /** Phones of `word`, which is of a-z and ' alone. Just one vowel bears the primary stress, as in a dictionary. */
  return (word) => {
    let beam: Hypothesis[] = [{ cost: 0, level: 0, index: 0, stressed: false, graphone: 0, before: null }];
    for (const letter of word) beam = advance(beam, letter);
    const ends = beam.map((hypothesis) => ({ ...hypothesis, cost: hypothesis.cost + extend(hypothesis.level, hypothesis.index, 0).cost }));
    ends.sort((a, b) => Number(b.stressed) - Number(a.stressed) || byCost(a, b));
    const out: string[] = [];
    for (let h: Hypothesis | null | undefined = ends[0]; h?.before; h = h.before) out.unshift(...(phones[h.graphone] ?? []));
    return out;
  };
}

const byCost = (a: Hypothesis, b: Hypothesis): number =>
  a.cost - b.cost || a.level - b.level || a.index - b.index || Number(a.stressed) - Number(b.stressed);

function parse(file: Uint8Array): { order: number; graphones: string[]; levels: Level[] } {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const text = (from: number, to: number): string => new TextDecoder().decode(file.subarray(from, to));
  if (file.byteLength < 12 || text(0, MAGIC.length) !== MAGIC)
    throw new StudioError('bad-file', 'The file for unknown words (g2p.bin) is damaged. Install the studio again.');
  const headerEnd = 12 + view.getUint32(8, true);
  const { order, graphones, counts } = JSON.parse(text(12, headerEnd)) as Header;
  let at = Math.ceil(headerEnd / 4) * 4;
  const words = (count: number): Uint16Array => Uint16Array.from({ length: count }, (_, i) => view.getUint16(at + 2 * i, true));
  const levels = counts.map((count, n): Level => {
    const inner = n + 1 < order;
    const symbol = words(count);
    at += 2 * count;
    const first = new Uint32Array(count + 1);
    if (inner) {
      words(count).forEach((children, i) => (first[i + 1] = (first[i] ?? 0) + children));
      at += 2 * count;
    }
    const cost = file.subarray(at, (at += count));
    const backoff = inner ? file.subarray(at, (at += count)) : new Uint8Array();
    return { symbol, first, cost, backoff };
  });
  return { order, graphones, levels };
}
