import { fromWav, type Sound } from '../../contract/index.js';
import { difference as pictureDifference, psnr, type Pixels, type readPixels } from './pixels.js';

/** What a view of an item decodes to, by its kind. */
export type Frame = Pixels | Sound;

export function isSound(frame: Frame): frame is Sound {
  return 'samples' in frame;
}

/** A frame of the bytes that the studio sends. */
export async function readFrame(contentType: string, bytes: Uint8Array, read: typeof readPixels): Promise<Frame> {
  return contentType === 'audio/wav' ? fromWav(bytes) : read(new Uint8Array(bytes));
}

/** How near `a` is to `b`, in dB: the peak signal-to-noise ratio of pictures, the signal-to-noise ratio of sounds. Infinity for equal ones. */
export function decibels(a: Frame, b: Frame): number {
  if (isSound(a) && isSound(b)) return snr(a, b);
  return isSound(a) || isSound(b) ? Number.NaN : psnr(a, b);
}

/** What `a` has more than `b`, made so strong that it is well seen or heard; `gain` says by how much. */
export function difference(a: Frame, b: Frame): { readonly frame: Frame; readonly gain: number } {
  if (isSound(a) && isSound(b)) {
    const samples = a.samples.map((sample, n) => sample - (b.samples[n] ?? 0));
    const most = samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0);
    const gain = most === 0 ? 1 : 1 / most;
    return { frame: { sampleRate: a.sampleRate, samples: samples.map((sample) => sample * gain) }, gain };
  }
  if (isSound(a) || isSound(b)) return { frame: a, gain: 1 };
  const { pixels, gain } = pictureDifference(a, b);
  return { frame: pixels, gain };
}

/** What no token at all is: grey, or silence. */
export function nothing(like: Frame): Frame {
  if (isSound(like)) return { sampleRate: like.sampleRate, samples: new Float32Array(like.samples.length) };
  const { width, height } = like;
  return { width, height, data: new Uint8ClampedArray(4 * width * height).fill(128) };
}

function snr(a: Sound, b: Sound): number {
  let [signal, noise] = [0, 0];
  b.samples.forEach((sample, n) => {
    signal += sample ** 2;
    noise += (sample - (a.samples[n] ?? 0)) ** 2;
  });
  return 10 * Math.log10(signal / noise);
}
