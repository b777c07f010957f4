import { describe, expect, it } from 'vitest';
import { GAP, cellBox, gridShape, rowsBetween } from '../../../src/renderer/images/gallery/virtualGrid.js';

describe('the grid of thumbnails', () => {
  it('fills its width exactly, with cells no smaller than asked', () => {
    const shape = gridShape(10, 500, 100);
    expect(shape.columns).toBe(4);
    expect(shape.cell).toBeGreaterThanOrEqual(100);
    expect(shape.columns * shape.cell + (shape.columns - 1) * GAP).toBeCloseTo(500);
    expect(shape.rows).toBe(3);
    expect(cellBox(shape, 9).bottom).toBeCloseTo(shape.height);
  });

  it('has one column where not even one cell fits, and no height without pictures', () => {
    expect(gridShape(3, 50, 100)).toMatchObject({ columns: 1, rows: 3 });
    expect(gridShape(0, 500, 100).height).toBe(0);
  });

  it('finds the rows in sight, those cut by an edge too', () => {
    const shape = gridShape(1000, 4 * 100 + 3 * GAP, 100);
    const pitch = 100 + GAP;
    expect(rowsBetween(shape, 0, 1)).toEqual([0, 1]);
    expect(rowsBetween(shape, pitch * 10 + 50, pitch * 12 + 1)).toEqual([10, 13]);
    expect(rowsBetween(shape, -900, -600)).toEqual([0, 0]);
    expect(rowsBetween(shape, 1e9, 2e9)).toEqual([250, 250]);
  });
});
