import FFT from 'fft.js';
import type { Sound } from '../../contract/index.js';

const BANDS = 80;
/** The window is the power of two next to it. */
const WINDOW_SECONDS = 0.04;
/** Minutes of sound are measured at fewer places: a mean over a thousand windows says the same, and the hand on the slider waits for it. */
const MOST_WINDOWS = 1000;
/** Below this power nothing is heard: without a floor, silence would be infinitely far from near-silence. */
const FLOOR = 1e-9;

/** Log-mel spectra in dB, `[windows * bands]`, kept with the sound they are of. */
const known = new WeakMap<Sound, Float32Array>();

/** How far two sounds of one length are apart to the ear, in dB: mean absolute difference of their log-mel spectra. 0 for equal ones. */
export function melDistance(a: Sound, b: Sound): number {
  const [one, other] = [logMel(a), logMel(b)];
  let sum = 0;
  for (let n = 0; n < one.length; n++) sum += Math.abs((one[n] ?? 0) - (other[n] ?? 0));
  return sum / one.length;
}

function logMel(sound: Sound): Float32Array {
  let spectra = known.get(sound);
  if (!spectra) known.set(sound, (spectra = measure(sound)));
  return spectra;
}

function measure({ samples, sampleRate }: Sound): Float32Array {
  const size = 2 ** Math.round(Math.log2(WINDOW_SECONDS * sampleRate));
  const hop = Math.max(size / 4, Math.ceil(samples.length / MOST_WINDOWS));
  const windows = Math.max(1, Math.ceil(samples.length / hop));
  const hann = Float64Array.from({ length: size }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / size));
  const bands = melBands(size, sampleRate);
  const fft = new FFT(size);
  const input = new Array<number>(size).fill(0);
  const spectrum = fft.createComplexArray();
  const mel = new Float32Array(windows * bands.length);
  for (let w = 0; w < windows; w++) {
    for (let n = 0; n < size; n++) input[n] = (hann[n] ?? 0) * (samples[w * hop + n] ?? 0);
    fft.realTransform(spectrum, input);
    for (const [band, weights] of bands.entries()) {
      let power = 0;
      for (const [bin, weight] of weights) power += weight * ((spectrum[2 * bin] ?? 0) ** 2 + (spectrum[2 * bin + 1] ?? 0) ** 2);
      mel[w * bands.length + band] = 10 * Math.log10(Math.max(FLOOR, power / size));
    }
  }
  return mel;
}

/** Triangles of equal width on the mel scale from 0 to half the rate, each as its bins and their weights; without those too narrow for a bin. */
function melBands(size: number, sampleRate: number): [bin: number, weight: number][][] {
  const toMel = (hertz: number) => 2595 * Math.log10(1 + hertz / 700);
  const step = toMel(sampleRate / 2) / (BANDS + 1);
  const bands = Array.from({ length: BANDS }, (_, band) => {
    const weights: [number, number][] = [];
    for (let bin = 0; bin <= size / 2; bin++) {
      const weight = 1 - Math.abs(toMel((bin * sampleRate) / size) / step - (band + 1));
      if (weight > 0) weights.push([bin, weight]);
    }
    return weights;
  });
  return bands.filter((weights) => weights.length > 0);
}
