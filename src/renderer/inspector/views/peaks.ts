import { isSound, type Frame } from '../frames.js';

/** What a wave leaves free of its box. */
const ROOM = 0.92;

/** What is drawn as high as the box, for waves that are to be held against each other: somewhat more than the loudest sample of these. */
export function heightOf(...frames: readonly (Frame | null)[]): number {
  let most = 0;
  for (const frame of frames) {
    if (frame && isSound(frame)) for (const sample of frame.samples) most = Math.max(most, Math.abs(sample));
  }
  return most > 0 ? most / ROOM : 1;
}

/**
 * An outline of a wave as an SVG path in a box of `columns` by 2 around 0: of each column the highest and the lowest sample.
 * @param height the sample that is as high as the box
 */
export function outline(samples: Float32Array, columns: number, height = 1): string {
  const high: string[] = [];
  const low: string[] = [];
  for (let x = 0; x < columns; x++) {
    const from = Math.floor((x * samples.length) / columns);
    const to = Math.max(from + 1, Math.floor(((x + 1) * samples.length) / columns));
    let [top, bottom] = [0, 0];
    for (const sample of samples.subarray(from, to)) {
      top = Math.max(top, sample);
      bottom = Math.min(bottom, sample);
    }
    high.push(`${x} ${(-top / height).toFixed(3)}`);
    low.unshift(`${x} ${(-bottom / height).toFixed(3)}`);
  }
  return `M${[...high, ...low].join('L')}Z`;
}
