import { VOICE_RATE, toWav } from '../../../../src/contract/index.js';

/** A generator of its own, so that every run has the same noise. */
function uniform(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31 - 0.5;
}

interface SpeechShape {
  seconds: number;
  /** Middle of the pitch. */
  hertz?: number;
  /** Of the vowels, where 1 is full scale. */
  size?: number;
}

/** What has the traits of speech that a check can measure: syllables and pauses, a pitch that glides, and hisses between. */
export function speech({ seconds, hertz = 140, size = 0.3 }: SpeechShape, rate: number = VOICE_RATE): Float32Array {
  const noise = uniform(7);
  let phase = 0;
  return Float32Array.from({ length: Math.round(seconds * rate) }, (_, n) => {
    const t = n / rate;
    phase += (hertz * (1 + 0.1 * Math.sin(2.6 * t) + 0.04 * Math.sin(11 * t))) / rate;
    const paused = t % 1.9 > 1.5;
    const syllable = paused ? 0 : Math.max(0, Math.sin(2 * Math.PI * 3.7 * t)) ** 1.5;
    const hiss = paused ? 0 : Math.max(0, -Math.sin(2 * Math.PI * 3.7 * t)) ** 4;
    let vowel = 0;
    for (let k = 1; k <= 8; k++) vowel += Math.sin(2 * Math.PI * k * phase) / k;
    return size * (0.6 * syllable * vowel + 0.15 * hiss * 2 * noise()) + 2e-4 * noise();
  });
}

export function whiteNoise(seconds: number, size: number): Float32Array {
  const noise = uniform(3);
  return Float32Array.from({ length: seconds * VOICE_RATE }, () => 2 * size * noise());
}

const SCALE = [0, 4, 7, 12, 9, 5, 2, 11];

/** Half a second a note, with the sound of something plucked. */
export function melody(seconds: number): Float32Array {
  const half = VOICE_RATE / 2;
  let phase = 0;
  return Float32Array.from({ length: seconds * VOICE_RATE }, (_, n) => {
    phase += (220 * 2 ** ((SCALE[Math.floor(n / half) % SCALE.length] ?? 0) / 12)) / VOICE_RATE;
    return 0.3 * Math.exp(-(n % half) / 4000) * (Math.sin(2 * Math.PI * phase) + 0.5 * Math.sin(4 * Math.PI * phase));
  });
}

export function added(a: Float32Array, b: Float32Array): Float32Array {
  return a.map((sample, n) => sample + (b[n] ?? 0));
}

export function joined(...parts: readonly Float32Array[]): Float32Array {
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

export const wavFile = (samples: Float32Array, name = 'clip.wav'): { name: string; bytes: Uint8Array<ArrayBuffer> } => ({
  name,
  bytes: toWav(samples, VOICE_RATE),
});

/** WAV of 32-bit floating-point numbers, which can hold what no recorder writes; one array a channel. */
export function floatWav(channels: readonly Float32Array[], rate: number): Uint8Array<ArrayBuffer> {
  const length = channels[0]?.length ?? 0;
  const bytes = Buffer.alloc(44 + length * channels.length * 4);
  bytes.set(toWav(new Float32Array(), rate));
  bytes.writeUInt16LE(3, 20);
  bytes.writeUInt16LE(channels.length, 22);
  bytes.writeUInt16LE(32, 34);
  bytes.writeUInt32LE(bytes.length - 44, 40);
  for (let n = 0; n < length; n++)
    channels.forEach((samples, c) => bytes.writeFloatLE(samples[n] ?? 0, 44 + 4 * (n * channels.length + c)));
  return new Uint8Array(bytes);
}

/** WAV of 24 bits, the same samples in each of its channels. */
export function wav24(samples: Float32Array, rate: number, channels: number): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.alloc(44 + samples.length * channels * 3);
  bytes.set(toWav(new Float32Array(), rate));
  bytes.writeUInt16LE(channels, 22);
  bytes.writeUInt16LE(24, 34);
  bytes.writeUInt32LE(bytes.length - 44, 40);
  for (let n = 0; n < samples.length * channels; n++)
    bytes.writeIntLE(Math.round((samples[Math.floor(n / channels)] ?? 0) * 8_388_607), 44 + 3 * n, 3);
  return new Uint8Array(bytes);
}
