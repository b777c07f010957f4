import { codeScale } from '../src/renderer/inspector/grid/colours.js';
import { drawGrid, type Inks, type View } from '../src/renderer/inspector/grid/draw.js';
import { paintCodes } from '../src/renderer/inspector/grid/paint.js';
import { HEADER, Viewport } from '../src/renderer/inspector/grid/viewport.svelte.js';

/** Milliseconds, over all frames of one way of drawing. */
interface Times {
  frames: number;
  /** Spent in the drawing calls. */
  draw: { median: number; p95: number; max: number };
  /** From one animation frame to the next. */
  interval: { median: number; p95: number; max: number };
}

interface Options {
  L: number;
  D: number;
  /** Frames of each turn, and how often the ways take turns. */
  frames: number;
  rounds: number;
}

const SIZE = { width: 1100, height: 420 };
const V = 1024;
const INKS: Inks = { ground: '#222', text: '#eee', faint: '#999', accent: '#a8f', font: 'sans-serif' };

type Way = 'empty' | 'image' | 'rectangles';

/**
 * Runs in a page. Scrolls and zooms through a grid that is not drawn at all, drawn as the inspector does it, and by one rectangle a token,
 * in turns: what an empty page takes from frame to frame is what this machine can do at the moment.
 */
export async function measure({ L, D, frames, rounds }: Options): Promise<Record<Way, Times>> {
  const codes = Int32Array.from({ length: L * D }, (_, n) => (n * 7919) % V);
  const scale = codeScale(V, true);
  const painted = paintCodes(codes, L, D, scale);
  const image = new OffscreenCanvas(L, D);
  image.getContext('2d')?.putImageData(new ImageData(painted.data, L, D), 0, 0);
  const colours = Array.from({ length: V }, (_, code) => `rgb(${scale.subarray(4 * code, 4 * code + 3).join(' ')})`);

  const canvas = document.body.appendChild(document.createElement('canvas'));
  Object.assign(canvas, SIZE);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('There is no 2D canvas here.');

  const layers = { image, codes, depth: D, selected: { sorted: [], depths: [0, 0] as const }, hover: null, cursor: null };
  const ways: Record<Way, (view: View) => void> = {
    empty: () => undefined,
    image: (view: View) => drawGrid(context, view, layers, INKS),
    rectangles: (view: View) => drawRectangles(context, view, codes, colours),
  };
  const draws: Record<Way, number[]> = { empty: [], image: [], rectangles: [] };
  const intervals: Record<Way, number[]> = { empty: [], image: [], rectangles: [] };
  for (let round = 0; round < rounds; round++) {
    for (const way of ['empty', 'image', 'rectangles'] as const) {
      const viewport = new Viewport();
      viewport.resize(SIZE.width, SIZE.height);
      viewport.show(L, D);
      let last = await nextFrame();
      for (let n = 0; n < frames; n++) {
        move(viewport, n / frames);
        const started = performance.now();
        ways[way](viewport);
        draws[way].push(performance.now() - started);
        const now = await nextFrame();
        intervals[way].push(now - last);
        last = now;
      }
    }
  }
  const times = (way: Way): Times => ({
    frames: draws[way].length,
    draw: summary(draws[way]),
    interval: summary(intervals[way]),
  });
  return { empty: times('empty'), image: times('image'), rectangles: times('rectangles') };
}

/** Zooms in to about 6 pixels a position, scrolls to the end, zooms out. */
function move(viewport: Viewport, progress: number): void {
  if (progress < 1 / 3) viewport.zoomBy(1.03, 400);
  else if (progress < 2 / 3) viewport.scrollTo(viewport.contentWidth * (3 * progress - 1), 0);
  else viewport.zoomBy(1 / 1.03, 400);
}

/** What the grid would cost without the image: every token in sight, one call each. */
function drawRectangles(context: CanvasRenderingContext2D, view: View, codes: Int32Array, colours: readonly string[]): void {
  context.clearRect(0, 0, view.width, view.height);
  const { i0, i1, j0, j1 } = view.sight;
  for (let i = i0; i < i1; i++) {
    for (let j = j0; j < j1; j++) {
      context.fillStyle = colours[codes[i * view.D + j] ?? 0] ?? '';
      context.fillRect(Math.max(HEADER.left, view.x(i)), view.y(j), Math.max(1, view.cellWidth), view.cellHeight);
    }
  }
}

function nextFrame(): Promise<number> {
  return new Promise((resolve) => requestAnimationFrame(resolve));
}

function summary(values: readonly number[]): { median: number; p95: number; max: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => Number((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(2));
  return { median: at(0.5), p95: at(0.95), max: at(1) };
}
