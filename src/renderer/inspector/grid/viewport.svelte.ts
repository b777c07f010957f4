const STEP = 1.3;
/** Wide enough for a code of five digits. */
const WIDEST_CELL = 56;
const NARROWEST_CELL = 0.25;
const LOWEST_CELL = 4;
const HIGHEST_FIT = 34;

/** Room for the row and the column headers, in CSS pixels. */
export const HEADER = { left: 36, top: 22 } as const;

export interface Cell {
  /** Position, 0..L-1. */
  readonly i: number;
  /** Depth, 0..D-1: the code is of depth j + 1 in what people read. */
  readonly j: number;
}

/**
 * Where tokens lie on the canvas. Positions run to the right, depths downwards. Zoomed out, a cell is as high as the canvas allows, so
 * that 16 depths of 2,000 positions are still rows that the eye can follow; once a cell is wider than that, cells are squares.
 * All lengths are in CSS pixels.
 */
export class Viewport {
  L = $state(1);
  D = $state(1);
  /** Of the canvas with its headers. */
  width = $state(0);
  height = $state(0);
  /** 1 fits every position into the width. */
  zoom = $state(1);
  left = $state(0);
  top = $state(0);

  readonly #inner = $derived({
    width: Math.max(1, this.width - HEADER.left),
    height: Math.max(1, this.height - HEADER.top),
  });
  readonly #fitWidth = $derived(Math.min(WIDEST_CELL, this.#inner.width / this.L));
  readonly cellWidth = $derived(Math.max(NARROWEST_CELL, this.#fitWidth * this.zoom));
  readonly cellHeight = $derived(
    Math.max(Math.min(HIGHEST_FIT, Math.max(LOWEST_CELL, this.#inner.height / this.D)), Math.min(WIDEST_CELL * 0.75, this.cellWidth)),
  );
  readonly contentWidth = $derived(HEADER.left + this.cellWidth * this.L);
  readonly contentHeight = $derived(HEADER.top + this.cellHeight * this.D);
  readonly maxZoom = $derived(Math.max(1, WIDEST_CELL / this.#fitWidth));

  /** The cells in sight, the last ones excluded. */
  readonly sight = $derived({
    i0: clamp(Math.floor(this.left / this.cellWidth), 0, this.L),
    i1: clamp(Math.ceil((this.left + this.#inner.width) / this.cellWidth), 0, this.L),
    j0: clamp(Math.floor(this.top / this.cellHeight), 0, this.D),
    j1: clamp(Math.ceil((this.top + this.#inner.height) / this.cellHeight), 0, this.D),
  });

  show(L: number, D: number): void {
    if (L === this.L && D === this.D) return;
    this.L = L;
    this.D = D;
    this.fit();
  }

  resize(width: number, height: number): void {
    this.width = width;
    this.height = height;
    this.scrollTo(this.left, this.top);
  }

  /** X of a position's left edge on the canvas. */
  x(i: number): number {
    return HEADER.left + i * this.cellWidth - this.left;
  }

  y(j: number): number {
    return HEADER.top + j * this.cellHeight - this.top;
  }

  /** What lies at a point of the canvas: -1 for a coordinate on a header; null beyond the tokens. */
  hit(x: number, y: number): Cell | null {
    const i = x < HEADER.left ? -1 : Math.floor((x - HEADER.left + this.left) / this.cellWidth);
    const j = y < HEADER.top ? -1 : Math.floor((y - HEADER.top + this.top) / this.cellHeight);
    return i >= this.L || j >= this.D || (i < 0 && j < 0) ? null : { i, j };
  }

  /** The nearest token to a point, also beyond the edges: for drags. */
  nearest(x: number, y: number): Cell {
    return {
      i: clamp(Math.floor((x - HEADER.left + this.left) / this.cellWidth), 0, this.L - 1),
      j: clamp(Math.floor((y - HEADER.top + this.top) / this.cellHeight), 0, this.D - 1),
    };
  }

  scrollTo(left: number, top: number): void {
    this.left = clamp(left, 0, Math.max(0, this.contentWidth - this.width));
    this.top = clamp(top, 0, Math.max(0, this.contentHeight - this.height));
  }

  /** Zooms so that what lies at `x` of the canvas stays there. */
  zoomBy(factor: number, x = this.width / 2): void {
    const at = Math.max(0, x - HEADER.left);
    const position = (at + this.left) / this.cellWidth;
    this.zoom = clamp(this.zoom * factor, 1, this.maxZoom);
    this.scrollTo(position * this.cellWidth - at, this.top);
  }

  zoomIn(): void {
    this.zoomBy(STEP);
  }

  zoomOut(): void {
    this.zoomBy(1 / STEP);
  }

  fit(): void {
    this.zoom = 1;
    this.scrollTo(0, 0);
  }

  /** Brings a cell into sight. */
  reveal({ i, j }: Cell): void {
    const left = i * this.cellWidth;
    const top = j * this.cellHeight;
    this.scrollTo(
      clamp(this.left, left + this.cellWidth - this.#inner.width, left),
      clamp(this.top, top + this.cellHeight - this.#inner.height, top),
    );
  }
}

/** Distance between two labels, a round number of positions, so that labels of `labelWidth` pixels keep apart. */
export function labelStep(cellWidth: number, labelWidth: number): number {
  const least = labelWidth / cellWidth;
  for (let unit = 1; ; unit *= 10) {
    for (const step of [unit, 2 * unit, 5 * unit]) if (step >= least) return step;
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
