/** Where positions lie on a picture: `rows * columns` equal cells, row by row. */
export type PositionGrid = readonly [rows: number, columns: number];

/** A point of the picture in shares of its sides, 0..1. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export function positionAt({ x, y }: Point, [rows, columns]: PositionGrid): number {
  const row = clamp(Math.floor(y * rows), rows);
  const column = clamp(Math.floor(x * columns), columns);
  return row * columns + column;
}

/** The positions that a rectangle between two points touches, row by row. */
export function positionsBetween(a: Point, b: Point, grid: PositionGrid): number[] {
  const [, columns] = grid;
  const [from, to] = [positionAt(a, grid), positionAt(b, grid)];
  const [r0, r1] = sorted(Math.floor(from / columns), Math.floor(to / columns));
  const [c0, c1] = sorted(from % columns, to % columns);
  const positions: number[] = [];
  for (let r = r0; r <= r1; r++) for (let c = c0; c <= c1; c++) positions.push(r * columns + c);
  return positions;
}

function sorted(a: number, b: number): [number, number] {
  return a <= b ? [a, b] : [b, a];
}

function clamp(value: number, length: number): number {
  return Math.max(0, Math.min(length - 1, value));
}
