import type { Scale } from './colours.js';

/** One pixel a token: `L` wide, `D` high, RGBA. The canvas scales it up, so drawing a frame costs the same for 60 tokens and for 150,000. */
export interface TokenImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/** @param codes `[L * D]`, row-major, as everywhere; the image is turned, since positions run to the right */
export function paintCodes(codes: ArrayLike<number>, L: number, D: number, scale: Scale): TokenImage {
  const colours = scale.length / 4;
  return paint(codes, L, D, scale, (code) => ((code % colours) + colours) % colours);
}

/**
 * @param values `[L * D]`; NaN is left clear
 * @param range the values of the scale's two ends
 */
export function paintValues(
  values: ArrayLike<number>,
  L: number,
  D: number,
  scale: Scale,
  [low, high]: readonly [number, number],
): TokenImage {
  const last = scale.length / 4 - 1;
  const span = high - low || 1;
  return paint(values, L, D, scale, (value) => Math.round(last * Math.min(1, Math.max(0, (value - low) / span))));
}

function paint(values: ArrayLike<number>, L: number, D: number, scale: Scale, index: (value: number) => number): TokenImage {
  const data = new Uint8ClampedArray(4 * L * D);
  for (let i = 0; i < L; i++) {
    for (let j = 0; j < D; j++) {
      const value = values[i * D + j] ?? Number.NaN;
      if (Number.isNaN(value)) continue;
      const from = 4 * index(value);
      const to = 4 * (j * L + i);
      data[to] = scale[from] ?? 0;
      data[to + 1] = scale[from + 1] ?? 0;
      data[to + 2] = scale[from + 2] ?? 0;
      data[to + 3] = scale[from + 3] ?? 0;
    }
  }
  return { width: L, height: D, data };
}

/** Smallest and largest of the values that are numbers; 0 and 1 where there is none. */
export function rangeOf(values: ArrayLike<number>): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (let n = 0; n < values.length; n++) {
    const value = values[n] ?? Number.NaN;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 1];
}
