/** Seconds of a window of which a voice vector is made, and from one window to the next. */
export const WINDOW = 2;
export const HOP = 0.5;

/** A stretch of `WINDOW` seconds in which somebody speaks. */
export interface VoiceWindow {
  /** It begins at so many `HOP`s. */
  at: number;
  /** `[W]` */
  vector: Float32Array;
}

/** Windows from one to the next without a sound of both in them. */
const APART = WINDOW / HOP;

/**
 * How much nearer the windows on either side of a place are to each other than to those of the other side, as a difference of mean cosines. All
 * that comes before and after it is compared, and that next to it alone, which hears those who take turns but is less sure. To compare five and
 * five as well finds hardly more, and in 30 s has 16 false alarms in 300 in place of 3. Measured with voice-en 0.5.0, whose voice vectors are those of 0.5.1; see `docs/voices.md`.
 */
const ALL = { least: 5, most: Infinity, score: 0.17 };
const NEXT = { least: 3, most: 3, score: 0.25 };

/** Seconds below which there are too few windows to tell. */
export const LEAST_HEARD = (2 * NEXT.least + APART - 2) * HOP + WINDOW;

/** Whether there seems to be a place in a clip where one voice ends and another one begins. @param windows in their order */
export function changesSpeaker(windows: readonly VoiceWindow[]): boolean {
  const cosines = cosinesOf(windows.map(({ vector }) => vector));
  const all = [...windows.keys()];
  return windows.some(({ at }, last) => {
    const before = all.slice(0, last + 1);
    // Without those that lie across the place.
    const after = all.filter((w) => (windows[w]?.at ?? 0) >= at + APART);
    return [ALL, NEXT].some(({ least, most, score }) => {
      if (before.length < least || after.length < least) return false;
      return apart(cosines, before.slice(-most), after.slice(0, most)) > score;
    });
  });
}

function apart(cosines: readonly Float64Array[], a: readonly number[], b: readonly number[]): number {
  return (meanOf(cosines, a, a) + meanOf(cosines, b, b)) / 2 - meanOf(cosines, a, b);
}

/** Over pairs of two different windows. */
function meanOf(cosines: readonly Float64Array[], a: readonly number[], b: readonly number[]): number {
  let [sum, pairs] = [0, 0];
  for (const i of a) {
    for (const j of b) {
      if (i === j) continue;
      sum += cosines[i]?.[j] ?? 0;
      pairs++;
    }
  }
  return sum / pairs;
}

function cosinesOf(vectors: readonly Float32Array[]): Float64Array[] {
  const units = vectors.map((vector) => {
    const length = Math.hypot(...vector);
    return vector.map((value) => value / length);
  });
  return units.map((a) => Float64Array.from(units, (b) => a.reduce((sum, value, w) => sum + value * (b[w] ?? 0), 0)));
}
