import { colour, type Colouring, type Coloured } from './colouring.js';
import { sequentialScale } from './colours.js';
import { paintValues, rangeOf, type TokenImage } from './paint.js';
import type { Tokens } from '../source.js';

const EARLIER_ALPHA = 105;

/** The grid at one step of the generation: what was revealed at it in full, what came before faded, what comes later clear. */
export function replayImage(tokens: Tokens, colouring: Colouring, dark: boolean, revealedAt: Uint8Array, step: number): Coloured {
  const coloured = colour(tokens, colouring, dark);
  return { ...coloured, image: fade(coloured.image, tokens, (n) => alphaAt(revealedAt[n] ?? 0, step)) };
}

/** How far two items' sums up to each depth lie apart; clear where the codes are the same. */
export function differenceImage({ L, D }: Tokens, differs: Uint8Array, distance: Float32Array, dark: boolean): Coloured {
  const values = distance.map((d, n) => (differs[n] === 1 ? Math.sqrt(d) : Number.NaN));
  const scale = sequentialScale(dark);
  const [, high] = rangeOf(values);
  return { image: paintValues(values, L, D, scale, [0, high]), scale, low: 'nearest', high: 'furthest apart', note: 'equal codes: clear' };
}

function alphaAt(revealed: number, step: number): number {
  if (revealed > step) return 0;
  return revealed === step ? 255 : EARLIER_ALPHA;
}

function fade(image: TokenImage, { L, D }: Tokens, alpha: (n: number) => number): TokenImage {
  const data = new Uint8ClampedArray(image.data);
  for (let i = 0; i < L; i++)
    for (let j = 0; j < D; j++) data[4 * (j * L + i) + 3] = Math.min(data[4 * (j * L + i) + 3] ?? 0, alpha(i * D + j));
  return { ...image, data };
}
