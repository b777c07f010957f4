/** An outline of a wave as an SVG path in a box of `columns` by 2 around 0: of each column the highest and the lowest sample. */
export function outline(samples: Float32Array, columns: number): string {
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
    high.push(`${x} ${(-top).toFixed(3)}`);
    low.unshift(`${x} ${(-bottom).toFixed(3)}`);
  }
  return `M${[...high, ...low].join('L')}Z`;
}
