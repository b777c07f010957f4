import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Item } from '../../../src/contract/index.js';
import { codeColour, oklchToSrgb, sequentialScale } from '../../../src/renderer/inspector/grid/colours.js';
import { colour, has, type TokenValues } from '../../../src/renderer/inspector/grid/colouring.js';
import { factsOf } from '../../../src/renderer/inspector/grid/cellFacts.js';
import { gridDrawing } from '../../../src/renderer/inspector/grid/gridDrawing.js';
import { paintCodes, paintValues, rangeOf } from '../../../src/renderer/inspector/grid/paint.js';
import { TokenSelection, runsOf, sayPositions } from '../../../src/renderer/inspector/grid/selection.svelte.js';
import { HEADER, Viewport, labelStep } from '../../../src/renderer/inspector/grid/viewport.svelte.js';

const pixel = (data: Uint8ClampedArray, n: number) => [...data.subarray(4 * n, 4 * n + 4)];
const luma = ([r = 0, g = 0, b = 0]: readonly number[]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;

describe('the colours', () => {
  it('agree with known values of OKLCH', () => {
    expect(oklchToSrgb(1, 0, 0)).toEqual([255, 255, 255]);
    expect(oklchToSrgb(0, 0, 0)).toEqual([0, 0, 0]);
    // Pure red, https://www.w3.org/TR/css-color-4/#ok-lab
    const [r, g, b] = oklchToSrgb(0.62796, 0.25768, 29.234);
    expect(r).toBeGreaterThan(250);
    expect(Math.max(g, b)).toBeLessThan(20);
  });

  it('stand out more the larger the value, on either ground', () => {
    const dark = sequentialScale(true);
    const light = sequentialScale(false);
    for (let n = 16; n < 256; n += 16) {
      expect(luma(pixel(dark, n))).toBeGreaterThan(luma(pixel(dark, n - 16)));
      expect(luma(pixel(light, n))).toBeLessThan(luma(pixel(light, n - 16)));
    }
  });

  it('differ between neighbouring codes', () => {
    for (let code = 0; code < 200; code++) {
      const [a, b] = [codeColour(code, true), codeColour(code + 1, true)];
      expect(Math.max(...a.map((v, n) => Math.abs(v - (b[n] ?? 0))))).toBeGreaterThan(30);
    }
  });
});

describe('the image of the tokens', () => {
  const scale = Uint8ClampedArray.of(1, 1, 1, 255, 2, 2, 2, 255, 3, 3, 3, 255);

  it('has positions to the right and depths downwards', () => {
    const image = paintCodes([0, 1, 2, 0, 1, 2], 2, 3, scale);
    expect([image.width, image.height]).toEqual([2, 3]);
    expect([0, 1, 2, 3, 4, 5].map((n) => pixel(image.data, n)[0])).toEqual([1, 1, 2, 2, 3, 3]);
  });

  it('leaves clear what has no value, and clips to the range', () => {
    const image = paintValues([Number.NaN, -5, 5, 99], 4, 1, scale, [0, 10]);
    expect([0, 1, 2, 3].map((n) => pixel(image.data, n)[0])).toEqual([0, 1, 2, 3]);
    expect(pixel(image.data, 0)[3]).toBe(0);
  });

  it('finds a range past what has no value', () => {
    expect(rangeOf([Number.NaN, 3, -1])).toEqual([-1, 3]);
    expect(rangeOf([Number.NaN])).toEqual([0, 1]);
  });

  it('is clear for tokens that were given, where it shows the step', () => {
    const values: TokenValues = {
      L: 2,
      D: 1,
      V: 4,
      codes: Int32Array.of(1, 2),
      residual: null,
      confidence: null,
      revealedAt: Uint8Array.of(0, 7),
      rarity: null,
    };
    const { image, low } = colour(values, 'step', true);
    expect(pixel(image.data, 0)[3]).toBe(0);
    expect(pixel(image.data, 1)[3]).toBe(255);
    expect(low).toBe('step 7');
    expect(has(values, 'confidence')).toBe(false);
  });

  it('is clear for tokens that were given, where it shows the confidence, whatever they once had', () => {
    const scored = { L: 3, D: 1, V: 4, codes: Int32Array.of(1, 2, 3), residual: null, rarity: null };
    const values = { ...scored, confidence: Float32Array.of(Number.NaN, -0.1, -20), revealedAt: Uint8Array.of(0, 0, 3) };
    const { image, low, note } = colour(values, 'confidence', true);
    expect([0, 1, 2].map((n) => pixel(image.data, n)[3])).toEqual([0, 0, 255]);
    expect([Number(low), note]).toEqual([-20, 'given: clear']);
    expect(colour({ ...values, revealedAt: Uint8Array.of(1, 2, 3) }, 'confidence', true).note).toBe('');
    expect(colour(values, 'code', true).note).toBe('');
  });

  it('says of a given token how sure it once was, where that is known', () => {
    const L = 3;
    const tokens = { L, D: 1, V: 4, H: 2, codes: new Int32Array(L), norm: new Float32Array(L), residual: new Float32Array(L) };
    const none = { frequency: new Float32Array(L), rarity: new Float32Array(L), grid: null, secondsPerPosition: null };
    const facts = (confidence: Float32Array) => (i: number) =>
      factsOf(
        { i, j: 0 },
        { ...tokens, ...none, item: {} as Item, cannot: { decode: null, resample: null }, confidence, revealedAt: Uint8Array.of(0, 0, 3) },
        null,
      )
        .filter(({ label }) => /Confidence|Revealed/.test(label))
        .map(({ label, value }) => `${label}: ${value}`);
    expect([0, 1, 2].map(facts(Float32Array.of(Number.NaN, -2, -4)))).toEqual([
      ['Revealed: was given'],
      ['Confidence when made: -2', 'Revealed: was given'],
      ['Confidence: -4', 'Revealed: step 3'],
    ]);
  });
});

function viewport(L: number, D: number, width = 700, height = 420): Viewport {
  const view = new Viewport();
  view.resize(width, height);
  view.show(L, D);
  return view;
}

describe('the viewport', () => {
  it('shows every position at first, and never draws beyond the tokens', () => {
    for (const [L, D] of [
      [4, 4],
      [64, 16],
      [2000, 72],
    ] as const) {
      const view = viewport(L, D);
      expect(view.sight).toMatchObject({ i0: 0, i1: L, j0: 0 });
      expect(view.contentWidth).toBeLessThanOrEqual(700.01);
    }
  });

  it('finds the cell that it drew at a point, wherever it is scrolled and zoomed to', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2000 }),
        fc.integer({ min: 1, max: 72 }),
        fc.float({ min: 1, max: 50, noNaN: true }),
        fc.float({ min: 0, max: 1, noNaN: true }),
        fc.float({ min: 0, max: 1, noNaN: true }),
        (L, D, zoom, u, v) => {
          const view = viewport(L, D);
          view.zoomBy(zoom);
          const cell = { i: Math.floor(u * (L - 1)), j: Math.floor(v * (D - 1)) };
          view.reveal(cell);
          const x = view.x(cell.i + 0.5);
          const y = view.y(cell.j + 0.5);
          expect(view.hit(x, y)).toEqual(cell);
          expect(view.nearest(x, y)).toEqual(cell);
          expect(x).toBeGreaterThanOrEqual(HEADER.left);
          expect(x).toBeLessThanOrEqual(view.width);
          expect(y).toBeLessThanOrEqual(view.height);
        },
      ),
    );
  });

  it('keeps what lies under the pointer while it zooms', () => {
    const view = viewport(2000, 72);
    const x = 500;
    view.zoomBy(8, x);
    const before = view.nearest(x, 100).i;
    view.zoomBy(4, x);
    expect(Math.abs(view.nearest(x, 100).i - before)).toBeLessThanOrEqual(1);
    view.zoomBy(1e-9);
    expect([view.zoom, view.left]).toEqual([1, 0]);
  });

  it('tells headers from tokens', () => {
    const view = viewport(64, 16);
    expect(view.hit(HEADER.left + 1, 3)).toEqual({ i: 0, j: -1 });
    expect(view.hit(3, HEADER.top + 1)).toEqual({ i: -1, j: 0 });
    expect(view.hit(3, 3)).toBeNull();
    expect(view.nearest(-50, 1e6)).toEqual({ i: 0, j: 15 });
  });

  it('labels round positions that keep apart', () => {
    expect(labelStep(40, 30)).toBe(1);
    expect(labelStep(11, 30)).toBe(5);
    expect(labelStep(0.35, 30)).toBe(100);
  });
});

describe('the selection', () => {
  function selection(): TokenSelection {
    const chosen = new TokenSelection();
    chosen.show(8, 4);
    return chosen;
  }

  it('is a rectangle, whichever corner came first', () => {
    const chosen = selection();
    chosen.rectangle({ i: 5, j: 3 }, { i: 2, j: 1 });
    expect(chosen.sorted).toEqual([2, 3, 4, 5]);
    expect(chosen.depths).toEqual([1, 3]);
    expect(chosen.size).toBe(12);
    expect(chosen.has({ i: 3, j: 0 })).toBe(false);
  });

  it('grows from where the keyboard began', () => {
    const chosen = selection();
    chosen.move(2, 1, false);
    chosen.move(1, 0, true);
    chosen.move(0, 1, true);
    expect(chosen.sorted).toEqual([2, 3]);
    expect(chosen.depths).toEqual([1, 2]);
    chosen.move(-99, -99, true);
    expect(chosen.sorted).toEqual([0, 1, 2]);
    expect(chosen.cursor).toEqual({ i: 0, j: 0 });
  });

  it('takes whole depths, whole positions, and positions one by one', () => {
    const chosen = selection();
    chosen.chooseDepths(2, 3);
    expect(chosen.size).toBe(16);
    chosen.choosePositions([6, 1]);
    chosen.togglePosition(2);
    chosen.togglePosition(6);
    expect(chosen.sorted).toEqual([1, 2]);
    expect(chosen.depths).toEqual([0, 3]);
    expect(sayPositions([0, 1, 2, 5, 7, 8])).toBe('0–2, 5, 7–8');
    expect(runsOf([])).toEqual([]);
  });

  it('stays with tokens of the same shape, and starts over for others', () => {
    const chosen = selection();
    chosen.all();
    chosen.show(8, 4);
    expect(chosen.size).toBe(32);
    chosen.show(4, 4);
    expect(chosen.empty).toBe(true);
  });
});

describe('the grid as a drawing of its own', () => {
  const colours = { ground: 'white', text: 'black', faint: 'grey' };

  it('has every depth, round positions, and a legend, and escapes what a name brings', () => {
    const image = { width: 64, height: 3 };
    const { svg, width, height } = gridDrawing(
      { image, scale: sequentialScale(false), low: '1', high: '9 left', note: 'given: clear' },
      'a<b>&"c"',
      'data:,',
      colours,
    );
    const doc = svg.match(/>[^<]+<\/text>/g)?.map((label) => label.slice(1, -7)) ?? [];
    expect(doc).toEqual(['a&lt;b&gt;&amp;&quot;c&quot;', '1', '9 left', 'given: clear', ...range(0, 64, 2), '1', '2', '3']);
    expect(svg).toContain('<linearGradient id="scale"><stop offset="0" stop-color="rgb(');
    expect([width, height]).toEqual([40 + 64 * 20 + 16, 52 + 3 * 20 + 16]);
  });

  it('stays small enough to open for minutes of sound', () => {
    const { width, svg } = gridDrawing(
      { image: { width: 4096, height: 72 }, scale: null, low: '0', high: '1023', note: '' },
      't',
      'data:,',
      colours,
    );
    expect(width).toBeLessThan(4100);
    expect(svg).toContain('codes 0 to 1023');
  });

  function range(from: number, to: number, step: number): string[] {
    return Array.from({ length: Math.ceil((to - from) / step) }, (_, n) => String(from + n * step));
  }
});
