import type { Drawing } from '../charts/export.js';
import type { Coloured } from './colouring.js';
import { cssAt } from './colours.js';
import { labelStep } from './viewport.svelte.js';

/** A long sound is not to become a picture that nothing opens. */
const WIDEST = 4000;
const CELL = { most: 20, height: 14 } as const;
const MARGIN = { left: 40, right: 16, top: 52, bottom: 16 } as const;
const LEGEND = { width: 96, height: 8 } as const;
const STOPS = 9;

/** Plain colours, as drawing programs read them. */
interface Colours {
  readonly ground: string;
  readonly text: string;
  readonly faint: string;
}

/**
 * The whole grid as a chart of its own: title, legend, headers and one pixel a token, scaled up by whoever draws it.
 * @param pixels data URL of the tokens' image, `L` wide and `D` high
 */
export function gridDrawing(
  { image: { width: L, height: D }, scale, low, high, note }: Omit<Coloured, 'image'> & { image: { width: number; height: number } },
  title: string,
  pixels: string,
  colours: Colours,
): Drawing {
  const cell = Math.min(CELL.most, WIDEST / L);
  const row = Math.max(CELL.height, cell);
  const width = Math.ceil(MARGIN.left + Math.max(L * cell, 420) + MARGIN.right);
  const height = Math.ceil(MARGIN.top + D * row + MARGIN.bottom);
  const text = (x: number, y: number, words: string, rest = '') =>
    `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" fill="${colours.faint}"${rest}>${escaped(words)}</text>`;

  const positions = steps(L, labelStep(cell, 30)).map((i) => text(MARGIN.left + (i + 0.5) * cell, MARGIN.top - 6, String(i), CENTRED));
  const depths = steps(D, labelStep(row, 12)).map((j) => text(MARGIN.left - 8, MARGIN.top + (j + 0.5) * row + 4, String(j + 1), RIGHT));
  const stops =
    scale && Array.from({ length: STOPS }, (_, n) => n / (STOPS - 1)).map((t) => `<stop offset="${t}" stop-color="${cssAt(scale, t)}"/>`);
  const legend = stops
    ? [
        text(width - MARGIN.right - LEGEND.width - 70, 20, low, RIGHT),
        `<rect x="${width - MARGIN.right - LEGEND.width - 62}" y="12" width="${LEGEND.width}" height="${LEGEND.height}" fill="url(#scale)"/>`,
        text(width - MARGIN.right - 54, 20, high),
      ]
    : [text(width - MARGIN.right, 20, `codes ${low} to ${high}, a colour each`, RIGHT)];
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="10.5">`,
    stops ? `<defs><linearGradient id="scale">${stops.join('')}</linearGradient></defs>` : '',
    `<rect width="100%" height="100%" fill="${colours.ground}"/>`,
    `<text x="${MARGIN.left}" y="20" font-size="12" fill="${colours.text}">${escaped(title)}</text>`,
    ...legend,
    note && text(width - MARGIN.right, 34, note, RIGHT),
    ...positions,
    ...depths,
    `<image x="${MARGIN.left}" y="${MARGIN.top}" width="${L * cell}" height="${D * row}" preserveAspectRatio="none" image-rendering="pixelated" href="${pixels}"/>`,
    '</svg>',
  ].join('');
  return { svg, width, height };
}

const CENTRED = ' text-anchor="middle"';
const RIGHT = ' text-anchor="end"';

const steps = (length: number, step: number): number[] => Array.from({ length: Math.ceil(length / step) }, (_, n) => n * step);

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (words: string): string => words.replaceAll(/[&<>"]/g, (letter) => ENTITIES[letter] ?? letter);
