import type { Box } from './marquee.js';

export const GAP = 8;

/** Where the square cells of a grid lie, so that only those in sight have to exist. Pixels, from the grid's upper left corner. */
export interface GridShape {
  readonly columns: number;
  /** Side of a cell. */
  readonly cell: number;
  readonly rows: number;
  readonly height: number;
}

/** As many cells of at least `side` as fit into `width`, stretched to fill it. */
export function gridShape(count: number, width: number, side: number): GridShape {
  const columns = Math.max(1, Math.floor((width + GAP) / (side + GAP)));
  const cell = Math.max(0, (width - (columns - 1) * GAP) / columns);
  const rows = Math.ceil(count / columns);
  return { columns, cell, rows, height: Math.max(0, rows * (cell + GAP) - GAP) };
}

/** First row, and the row after the last, that show between `top` and `bottom`. */
export function rowsBetween({ cell, rows }: GridShape, top: number, bottom: number): readonly [number, number] {
  const pitch = cell + GAP;
  const first = Math.min(rows, Math.max(0, Math.floor(top / pitch)));
  return [first, Math.min(rows, Math.max(first, Math.ceil(bottom / pitch)))];
}

export function cellBox({ columns, cell }: GridShape, index: number): Box {
  const left = (index % columns) * (cell + GAP);
  const top = Math.floor(index / columns) * (cell + GAP);
  return { left, top, right: left + cell, bottom: top + cell };
}
