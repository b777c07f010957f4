import type { Codebooks } from './codebooks.js';
import { add, squares } from './codebooks.js';

const ITERATIONS = 100;
const ENOUGH = 1e-7;

/**
 * The codes of a depth on the plane of their two principal components: points `[V, 2]` about their mean, and the two shares of the
 * variance. Power iteration on the codes themselves, without their covariance: two components are all that is asked for.
 */
export function principalPlane(codebooks: Codebooks, depth: number): { points: Float32Array; explained: [number, number] } {
  const { V, H } = codebooks;
  const mean = new Float32Array(H);
  for (let code = 0; code < V; code++) add(mean, codebooks.embedding(depth, code), 1 / V);
  const rows = Array.from({ length: V }, (_, code) => {
    const row = codebooks.embedding(depth, code).slice();
    add(row, mean, -1);
    return row;
  });
  const total = rows.reduce((sum, row) => sum + squares(row), 0);

  const points = new Float32Array(V * 2);
  const explained: [number, number] = [0, 0];
  for (const axis of [0, 1] as const) {
    const direction = mainDirection(rows, H);
    let along = 0;
    rows.forEach((row, code) => {
      const place = dot(row, direction);
      points[code * 2 + axis] = place;
      along += place * place;
      // What is left is at right angles to it, and has the next component.
      add(row, direction, -place);
    });
    explained[axis] = total === 0 ? 0 : along / total;
  }
  return { points, explained };
}

function mainDirection(rows: readonly Float32Array[], H: number): Float32Array {
  // The longest row is never at right angles to every component that counts, as a fixed start could be.
  let direction = rows.reduce((longest, row) => (squares(row) > squares(longest) ? row : longest), new Float32Array(H)).slice();
  normalise(direction);
  for (let n = 0; n < ITERATIONS; n++) {
    const next = new Float32Array(H);
    for (const row of rows) add(next, row, dot(row, direction));
    normalise(next);
    const turned = 1 - Math.abs(dot(next, direction));
    direction = next;
    if (turned < ENOUGH) break;
  }
  return direction;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let h = 0; h < a.length; h++) sum += (a[h] ?? 0) * (b[h] ?? 0);
  return sum;
}

function normalise(z: Float32Array): void {
  const length = Math.sqrt(squares(z));
  if (length > 0) for (let h = 0; h < z.length; h++) z[h] = (z[h] ?? 0) / length;
}
