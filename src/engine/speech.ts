import type { SpeechModel } from '../contract/model.js';

/** The graphs leave the numbers of phones and of positions of a clip free from here on. */
export const LEAST_PHONES = 2;
export const LEAST_PROMPT = 8;

/** What a step of a sentence needs besides tokens and noise; all of one sentence, so B is 1. */
export interface SpeechCondition {
  /** `[P, W]` and `[W]`, from the `text` graph. */
  text: Float32Array;
  voice: Float32Array;
  /** `[L, R]`: which phone each text frame of a position is part of. */
  frames: Int32Array;
  /** `[Q, D]`: the voice's clip. */
  prompt: Int32Array;
}

/** The evaluations that guidance needs besides that of the whole condition: `[G]` without the text, `[F]` without the voice, at these weights. */
export interface GuidanceBranches {
  no_text: Float32Array;
  no_voice: Float32Array;
  /** 1 where the evaluation without the voice goes without the text too. */
  text_too: Int32Array;
}

/** Positions that phones of these lengths take, at least one. */
export function positionsOf(ms: readonly number[], positionsPerSecond: number): number {
  const seconds = ms.reduce((sum, one) => sum + one, 0) / 1000;
  return Math.max(1, Math.floor(seconds * positionsPerSecond + 0.5));
}

/** Which phone is heard in the middle of each of the R text frames of a position, `[L, R]`. Twin of `text_frames` in `training/speech_tokens.py`. */
export function textFrames(
  ms: readonly number[],
  { L, positionsPerSecond, R }: { L: number; positionsPerSecond: number; R: number },
): Int32Array {
  const frames = new Int32Array(L * R);
  let phone = 0;
  let end = ms[0] ?? 0;
  for (let n = 0; n < L * R; n++) {
    const middle = ((n + 0.5) / (positionsPerSecond * R)) * 1000;
    while (phone < ms.length - 1 && end <= middle) {
      phone += 1;
      end += ms[phone] ?? 0;
    }
    frames[n] = phone;
  }
  return frames;
}

/**
 * Text and voice guided together take one evaluation without either, else each takes its own; a guidance of 0 takes none. Twin of
 * `guidance_branches` in `training/speech_sampler.py`.
 */
export function guidanceBranches(guidance: number, voiceShare: number | undefined): GuidanceBranches {
  if (guidance === 0) return { no_text: new Float32Array(), no_voice: new Float32Array(), text_too: new Int32Array() };
  if (voiceShare === undefined) return { no_text: new Float32Array(), no_voice: Float32Array.of(1), text_too: Int32Array.of(1) };
  return { no_text: Float32Array.of(1 - voiceShare), no_voice: Float32Array.of(voiceShare), text_too: Int32Array.of(0) };
}

/** The seed of candidate c, from 0 on: that of the first is the sentence's own. Twin of `candidate_seed` in `training/speech_sampler.py`. */
export function candidateSeed(seed: number, c: number): number {
  return (seed + Math.imul(c, 0x9e3779b9)) >>> 0;
}

/** Cosine of the angle between two voices' vectors `[W]`. */
export function likeness(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array): number => x.reduce((sum, x_w, w) => sum + x_w * (y[w] ?? 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/** The numbers of phones in a model's own order, or the first that it does not have. */
export function phoneNumbers(phones: readonly string[], model: SpeechModel): number[] | string {
  const numbers = new Map(model.phones.map((phone, number) => [phone, number]));
  const unknown = phones.find((phone) => !numbers.get(phone));
  return unknown ?? phones.map((phone) => numbers.get(phone) ?? 0);
}
