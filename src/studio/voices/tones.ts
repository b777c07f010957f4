import { VOICE_RATE } from '../../contract/index.js';
import { quantile } from './levels.js';

/**
 * What the pauses of a clip sound like. In a quiet room or in noise their spectrum is level; music that goes on under a voice stands out in them as a
 * few tones.
 */
const WINDOW = 1024;
const HOP = 320;
/** Share of the windows that are taken for pauses: the quietest. */
const PAUSES = 0.15;
/** Bins between 110 and 4,000 hertz: below them is the hum of rooms and of mains, above there is hardly any music. */
const [FIRST_BIN, LAST_BIN] = [Math.round((110 * WINDOW) / VOICE_RATE), Math.round((4000 * WINDOW) / VOICE_RATE)];
/** Keeps the logarithm of nothing away, far below a step of 16 bits. */
const NOTHING = 1e-12;

/**
 * Spectral flatness of the pauses: the geometric over the arithmetic mean of their power spectrum, 0 for a pure tone and about 0.56 for white noise.
 * @param samples mono at `VOICE_RATE`
 * @returns the median of the quietest windows; 1 where the clip is shorter than one
 */
export function flatnessOfPauses(samples: Float32Array): number {
  const starts = Array.from({ length: Math.max(0, Math.floor((samples.length - WINDOW) / HOP) + 1) }, (_, w) => w * HOP);
  const powers = starts.map((from) => samples.subarray(from, from + WINDOW).reduce((sum, sample) => sum + sample * sample, 0));
  const most = quantile(powers, PAUSES);
  const quiet = starts.filter((_, w) => (powers[w] ?? 0) <= most);
  return quiet.length === 0
    ? 1
    : quantile(
        quiet.map((from) => flatness(samples.subarray(from, from + WINDOW))),
        0.5,
      );
}

function flatness(window: Float32Array): number {
  const power = powerSpectrum(window).subarray(FIRST_BIN, LAST_BIN);
  const logs = power.reduce((sum, value) => sum + Math.log(value + NOTHING), 0);
  const mean = power.reduce((sum, value) => sum + value + NOTHING, 0) / power.length;
  return Math.exp(logs / power.length) / mean;
}

/** Of a window of a power of two, under a Hann window: `[n / 2]`. The transform is Cooley and Tukey's, in place. */
function powerSpectrum(window: Float32Array): Float64Array {
  const n = window.length;
  const re = Float64Array.from(window, (sample, i) => sample * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / n)));
  const im = new Float64Array(n);
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) [re[i], re[j]] = [re[j] ?? 0, re[i] ?? 0];
  }
  for (let size = 2; size <= n; size *= 2) {
    for (let from = 0; from < n; from += size) {
      for (let k = 0; k < size / 2; k++) {
        const angle = (-2 * Math.PI * k) / size;
        const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
        const [a, b] = [from + k, from + k + size / 2];
        const [x, y] = [(re[b] ?? 0) * cos - (im[b] ?? 0) * sin, (re[b] ?? 0) * sin + (im[b] ?? 0) * cos];
        [re[b], im[b]] = [(re[a] ?? 0) - x, (im[a] ?? 0) - y];
        [re[a], im[a]] = [(re[a] ?? 0) + x, (im[a] ?? 0) + y];
      }
    }
  }
  return Float64Array.from({ length: n / 2 }, (_, k) => (re[k] ?? 0) ** 2 + (im[k] ?? 0) ** 2);
}
