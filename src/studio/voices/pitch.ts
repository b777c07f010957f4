import { VOICE_RATE } from '../../contract/index.js';

/** Half the rate is plenty for the pitch of voices, at a quarter of the work. */
const RATE = VOICE_RATE / 2;
const WINDOW = Math.round(0.05 * RATE);
/** Seconds between two estimates. */
export const PITCH_HOP = 0.02;
const HOP = PITCH_HOP * RATE;
const [LOWEST, HIGHEST] = [65, 400];
const [LEAST_LAG, MOST_LAG] = [Math.floor(RATE / HIGHEST), Math.ceil(RATE / LOWEST)];
/** Below it a frame is noise, or between two sounds. */
const VOICED = 0.6;
/** A wave also repeats after two periods: the shortest lag that is nearly as good as the best is the period. */
const NEARLY = 0.9;
/** Below it there is nothing to hear, whatever repeats in it. */
const LEAST_POWER = 1e-6;

/** Fundamental frequency every `PITCH_HOP` seconds in hertz, by normalised autocorrelation; 0 where the sound is unvoiced. */
export function pitchTrack(samples: Float32Array): Float64Array {
  const half = Float32Array.from({ length: Math.floor(samples.length / 2) }, (_, n) => mean(samples[2 * n], samples[2 * n + 1]));
  // Sums of squares up to each sample: the power of any window is a difference of two.
  const squares = new Float64Array(half.length + 1);
  half.forEach((sample, n) => (squares[n + 1] = (squares[n] ?? 0) + sample * sample));
  const power = (from: number): number => (squares[from + WINDOW] ?? 0) - (squares[from] ?? 0);
  const length = Math.max(0, Math.floor((half.length - WINDOW - MOST_LAG) / HOP) + 1);
  return Float64Array.from({ length }, (_, f) => pitchAt(half, f * HOP, power));
}

function pitchAt(samples: Float32Array, from: number, power: (from: number) => number): number {
  const own = power(from);
  if (own < LEAST_POWER * WINDOW) return 0;
  const scores = new Float64Array(MOST_LAG + 1);
  let best = 0;
  for (let lag = LEAST_LAG; lag <= MOST_LAG; lag++) {
    let product = 0;
    for (let n = from; n < from + WINDOW; n++) product += (samples[n] ?? 0) * (samples[n + lag] ?? 0);
    const score = product / Math.sqrt(own * power(from + lag) + 1e-12);
    scores[lag] = score;
    best = Math.max(best, score);
  }
  if (best < VOICED) return 0;
  for (let lag = LEAST_LAG + 1; lag < MOST_LAG; lag++) {
    const [before, here, after] = [scores[lag - 1] ?? 0, scores[lag] ?? 0, scores[lag + 1] ?? 0];
    if (here < NEARLY * best || here < before || here < after) continue;
    // The top of the parabola through the three.
    const shift = (before - after) / (2 * (before - 2 * here + after) || 1);
    return RATE / (lag + shift);
  }
  return 0;
}

const mean = (a = 0, b = 0): number => (a + b) / 2;
