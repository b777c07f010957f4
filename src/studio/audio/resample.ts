/** Zero crossings of the sinc at either side of its middle: the transition band is 1/ZEROS of the lower rate wide. */
const ZEROS = 32;
/** Below the lower Nyquist frequency by about half of that band, so that what would fold back is in it. */
const ROLL_OFF = 0.95;

/**
 * Samples at another rate by a sinc under a Hann window. The filters of a rational ratio repeat, so each is made once.
 * @param from, to whole samples a second
 * @returns `ceil(length * to / from)` samples
 */
export function resample(samples: Float32Array, from: number, to: number): Float32Array {
  if (from === to) return samples;
  const divisor = gcd(from, to);
  const up = to / divisor;
  const down = from / divisor;
  const cut = Math.min(1, to / from) * ROLL_OFF;
  const reach = Math.ceil(ZEROS / cut);
  const filters = Array.from({ length: up }, () => null as Float32Array | null);
  const out = new Float32Array(Math.ceil((samples.length * up) / down));
  for (let n = 0; n < out.length; n++) {
    const place = n * down;
    const phase = place % up;
    const filter = (filters[phase] ??= filterOf(phase / up, cut, reach));
    const first = Math.floor(place / up) - reach + 1;
    let sum = 0;
    for (let k = Math.max(0, -first); k < filter.length && first + k < samples.length; k++)
      sum += (filter[k] ?? 0) * (samples[first + k] ?? 0);
    out[n] = sum;
  }
  return out;
}

/** Weights of the samples at -reach + 1..reach around a point that lies `fraction` after the sample at 0. They add up to 1. */
function filterOf(fraction: number, cut: number, reach: number): Float32Array {
  const weights = Float64Array.from({ length: 2 * reach }, (_, k) => {
    const x = k - reach + 1 - fraction;
    const window = 0.5 + 0.5 * Math.cos((Math.PI * x) / reach);
    return Math.abs(x) >= reach ? 0 : sinc(cut * x) * window;
  });
  const sum = weights.reduce((a, b) => a + b, 0);
  return Float32Array.from(weights, (weight) => weight / sum);
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
