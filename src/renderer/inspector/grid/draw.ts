import { runsOf, type DepthRange } from './selection.svelte.js';
import { HEADER, labelStep, type Cell } from './viewport.svelte.js';

/** The part of a `Viewport` that a frame needs. */
export interface View {
  readonly L: number;
  readonly D: number;
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
  readonly cellWidth: number;
  readonly cellHeight: number;
  readonly sight: { readonly i0: number; readonly i1: number; readonly j0: number; readonly j1: number };
  x(i: number): number;
  y(j: number): number;
}

export interface Layers {
  /** One pixel a token, see paint.ts. */
  readonly image: CanvasImageSource;
  /** `[L * D]`: printed into the cells once they are wide enough. */
  readonly codes: ArrayLike<number>;
  /** Depths that are summed into the picture shown; the rows below are dimmed. */
  readonly depth: number;
  readonly selected: { readonly sorted: readonly number[]; readonly depths: DepthRange };
  readonly hover: Cell | null;
  /** The keyboard's cell, where it is to be seen. */
  readonly cursor: Cell | null;
}

/** Colours of the theme, as the canvas understands them. */
export interface Inks {
  readonly ground: string;
  readonly text: string;
  readonly faint: string;
  readonly accent: string;
  readonly font: string;
}

const NUMBERS_FROM = { width: 30, height: 15 };
const LINES_FROM = 7;
const HEADER_FONT_PX = 10.5;

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** One frame: a single scaled copy of the tokens' image, then what lies above it. All lengths are CSS pixels, the context is scaled already. */
export function drawGrid(context: Context, view: View, layers: Layers, inks: Inks): void {
  context.clearRect(0, 0, view.width, view.height);
  const { i0, i1, j0, j1 } = view.sight;
  if (i1 <= i0 || j1 <= j0) return;
  context.save();
  context.beginPath();
  context.rect(HEADER.left, HEADER.top, view.width - HEADER.left, view.height - HEADER.top);
  context.clip();
  // Several tokens in one pixel: their mean tells more than whichever comes first.
  context.imageSmoothingEnabled = view.cellWidth < 1 || view.cellHeight < 1;
  const [left, top] = [view.x(i0), view.y(j0)];
  const [width, height] = [(i1 - i0) * view.cellWidth, (j1 - j0) * view.cellHeight];
  context.drawImage(layers.image, i0, j0, i1 - i0, j1 - j0, left, top, width, height);
  if (view.cellWidth >= LINES_FROM && view.cellHeight >= LINES_FROM) drawLines(context, view, inks);
  if (view.cellWidth >= NUMBERS_FROM.width && view.cellHeight >= NUMBERS_FROM.height) drawNumbers(context, view, layers.codes, inks);
  dimBelow(context, view, layers.depth, inks);
  drawSelection(context, view, layers, inks);
  context.restore();
  drawHeaders(context, view, layers, inks);
}

/** Gaps between the cells, in the ground's colour. */
function drawLines(context: Context, view: View, inks: Inks): void {
  const { i0, i1, j0, j1 } = view.sight;
  context.fillStyle = inks.ground;
  const [x0, x1, y0, y1] = [view.x(i0), view.x(i1), view.y(j0), view.y(j1)];
  for (let i = i0; i <= i1; i++) context.fillRect(view.x(i) - 0.5, y0, 1, y1 - y0);
  for (let j = j0; j <= j1; j++) context.fillRect(x0, view.y(j) - 0.5, x1 - x0, 1);
}

function drawNumbers(context: Context, view: View, codes: ArrayLike<number>, inks: Inks): void {
  const { i0, i1, j0, j1 } = view.sight;
  context.font = `${HEADER_FONT_PX}px ${inks.font}`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.lineWidth = 3;
  context.lineJoin = 'round';
  context.strokeStyle = inks.ground;
  context.fillStyle = inks.text;
  for (let j = j0; j < j1; j++) {
    const y = view.y(j + 0.5);
    for (let i = i0; i < i1; i++) {
      const text = String(codes[i * view.D + j] ?? '');
      const x = view.x(i + 0.5);
      context.strokeText(text, x, y);
      context.fillText(text, x, y);
    }
  }
}

function dimBelow(context: Context, view: View, depth: number, inks: Inks): void {
  if (depth >= view.D) return;
  const y = view.y(depth);
  context.globalAlpha = 0.72;
  context.fillStyle = inks.ground;
  context.fillRect(HEADER.left, y, view.width, Math.max(0, view.y(view.D) - y));
  context.globalAlpha = 1;
  context.fillStyle = inks.accent;
  context.fillRect(HEADER.left, y - 1, view.width, 2);
}

function drawSelection(context: Context, view: View, { selected, hover, cursor }: Layers, inks: Inks): void {
  const [from, to] = selected.depths;
  const y = view.y(from);
  const height = (to - from + 1) * view.cellHeight;
  for (const [a, b] of runsOf(selected.sorted)) {
    const x = view.x(a);
    const width = (b - a + 1) * view.cellWidth;
    if (x > view.width || x + width < HEADER.left) continue;
    context.globalAlpha = 0.16;
    context.fillStyle = inks.accent;
    context.fillRect(x, y, width, height);
    context.globalAlpha = 1;
    outline(context, x, y, width, height, inks);
  }
  if (hover) cellOutline(context, view, hover, inks);
  if (cursor) cellOutline(context, view, cursor, inks);
}

function cellOutline(context: Context, view: View, { i, j }: Cell, inks: Inks): void {
  outline(context, view.x(i), view.y(j), Math.max(3, view.cellWidth), view.cellHeight, inks);
}

/** Accent inside of ground: seen on any colour. */
function outline(context: Context, x: number, y: number, width: number, height: number, inks: Inks): void {
  context.strokeStyle = inks.ground;
  context.lineWidth = 3.5;
  context.strokeRect(x, y, width, height);
  context.strokeStyle = inks.accent;
  context.lineWidth = 1.75;
  context.strokeRect(x, y, width, height);
}

function drawHeaders(context: Context, view: View, { selected, hover, depth }: Layers, inks: Inks): void {
  const { i0, i1, j0, j1 } = view.sight;
  context.font = `${HEADER_FONT_PX}px ${inks.font}`;
  context.textBaseline = 'middle';
  context.textAlign = 'center';
  const chosen = new Set(selected.sorted);
  const step = labelStep(view.cellWidth, 30);
  for (let i = Math.ceil(i0 / step) * step; i < i1; i += step) {
    context.fillStyle = chosen.has(i) || hover?.i === i ? inks.accent : inks.faint;
    context.fillText(String(i), Math.max(HEADER.left + 5, view.x(i + 0.5)), HEADER.top / 2);
  }

  context.textAlign = 'right';
  const rows = labelStep(view.cellHeight, 12);
  for (let j = j0; j < j1; j++) {
    if (rows > 1 && (j + 1) % rows !== 0 && j !== 0) continue;
    const y = view.y(j + 0.5);
    if (y < HEADER.top) continue;
    const strong = hover?.j === j || (selected.sorted.length > 0 && j >= selected.depths[0] && j <= selected.depths[1]);
    context.fillStyle = strong ? inks.accent : j < depth ? inks.text : inks.faint;
    context.fillText(String(j + 1), HEADER.left - 9, y);
  }
}

/** What the theme's variables come to, as plain colours. */
export function readInks(element: HTMLElement): Inks {
  const probe = element.appendChild(document.createElement('i'));
  const read = (name: string) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const inks = {
    ground: read('--surface'),
    text: read('--text'),
    faint: read('--text-faint'),
    accent: read('--accent-text'),
    font: getComputedStyle(probe).fontFamily,
  };
  probe.remove();
  return inks;
}
