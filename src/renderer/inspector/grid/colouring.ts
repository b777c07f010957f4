import { codeScale, sequentialScale, type Scale } from './colours.js';
import { paintCodes, paintValues, rangeOf, type TokenImage } from './paint.js';

/** What a cell's colour tells. */
export type Colouring = 'code' | 'residual' | 'confidence' | 'step' | 'rarity';

/** The arrays that can be coloured, each `[L * D]`, row-major; null where an item has none. */
export interface TokenValues {
  readonly L: number;
  readonly D: number;
  readonly V: number;
  readonly codes: Int32Array;
  /** Mean square of what is left after each depth. */
  readonly residual: Float32Array | null;
  /**
   * Score at the reveal; cumulative over the depths revealed with it, so never above 0. Tokens that were given may have the one of an
   * earlier generation, or NaN.
   */
  readonly confidence: Float32Array | null;
  /** Step of the reveal, 1..T; 0 for tokens that were given. */
  readonly revealedAt: Uint8Array | null;
  /** How rare each code is, in bits: -log2 of its share at its depth; NaN where that is not known. */
  readonly rarity: Float32Array | null;
}

export interface Coloured {
  readonly image: TokenImage;
  /** Null for codes. */
  readonly scale: Scale | null;
  readonly low: string;
  readonly high: string;
  /** What the colours leave out, in a few words; empty where that is nothing. */
  readonly note: string;
}

export const COLOURINGS: readonly { readonly value: Colouring; readonly label: string }[] = [
  { value: 'code', label: 'Code' },
  { value: 'residual', label: 'Residual' },
  { value: 'confidence', label: 'Confidence' },
  { value: 'step', label: 'Step' },
  { value: 'rarity', label: 'Rarity' },
];

export function has(values: TokenValues, colouring: Colouring): boolean {
  return arrayOf(values, colouring) !== null;
}

/** The picture of the grid, with what its legend says. Values that the item does not have are left clear. */
export function colour(values: TokenValues, colouring: Colouring, dark: boolean): Coloured {
  const { L, D, V, codes } = values;
  if (colouring === 'code')
    return { image: paintCodes(codes, L, D, codeScale(V, dark)), scale: null, low: '0', high: String(V - 1), note: '' };
  const scale = sequentialScale(dark);
  const { revealedAt } = values;
  const given = (n: number): boolean => OF_THE_REVEAL.has(colouring) && revealedAt?.[n] === 0;
  const shown = Float32Array.from(arrayOf(values, colouring) ?? new Float32Array(L * D).fill(Number.NaN), (value, n) =>
    given(n) ? Number.NaN : shape(value, colouring),
  );
  const range = rangeOf(shown);
  const [low, high] = LEGENDS[colouring](range);
  return { image: paintValues(shown, L, D, scale, range), scale, low, high, note: codes.some((_, n) => given(n)) ? 'given: clear' : '' };
}

/** What only tokens have that this generation revealed. */
const OF_THE_REVEAL: ReadonlySet<Colouring> = new Set(['confidence', 'step']);

function arrayOf(values: TokenValues, colouring: Colouring): ArrayLike<number> | null {
  if (colouring === 'code') return values.codes;
  return colouring === 'step' ? values.revealedAt : values[colouring];
}

/** Energies and scores span decades, and most of them are small: their logarithm is what the eye can tell apart. */
function shape(value: number, colouring: Colouring): number {
  switch (colouring) {
    case 'residual':
      return value > 0 ? Math.log10(value) : Number.NaN;
    case 'confidence':
      return -Math.log10(1 + Math.max(0, -value));
    case 'step':
      return value === 0 ? Number.NaN : value;
    case 'code':
    case 'rarity':
      return value;
  }
}

type Range = readonly [number, number];
const LEGENDS: Record<Exclude<Colouring, 'code'>, (range: Range) => [string, string]> = {
  residual: ([low, high]) => [power(low), `${power(high)} left`],
  confidence: ([low]) => [`${(1 - 10 ** -low).toPrecision(2)}`, 'surest'],
  step: ([low, high]) => [`step ${low}`, `${high}`],
  rarity: ([low, high]) => [`${low.toFixed(1)} bits`, `${high.toFixed(1)} bits`],
};

function power(exponent: number): string {
  return (10 ** exponent).toPrecision(2);
}
