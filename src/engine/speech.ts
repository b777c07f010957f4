import type { SpeechModel } from '../contract/model.js';

/** What a step of a sentence needs besides tokens and noise; all of one sentence, so B is 1. */
export interface SpeechCondition {
  /** `[P, W]` and `[W]`, from the `text` graph. */
  text: Float32Array;
  voice: Float32Array;
  /** `[L, R]`: which phone each text frame of a position is part of, -1 on the voice's clip. */
  frames: Int32Array;
  /** `[L]`: 1 on the voice's clip, which stands in front. */
  prompt: Int32Array;
  /** `[G, 2]` and `[G]`: the evaluations that go without the text, the voice or both, and their weights. */
  drop: Int32Array;
  drop_weight: Float32Array;
}

/** Positions that phones of these lengths take, at least one. */
export function positionsOf(ms: readonly number[], positionsPerSecond: number): number {
  const seconds = ms.reduce((sum, one) => sum + one, 0) / 1000;
  return Math.max(1, Math.floor(seconds * positionsPerSecond + 0.5));
}

/**
 * Which phone is heard in the middle of each of the R text frames of a position, `[Q + L, R]`; -1 on the Q positions of the clip, whose words
 * nobody knows. Twin of `text_frames` in `training/speech_tokens.py`.
 */
export function textFrames(
  ms: readonly number[],
  { Q, L, positionsPerSecond, R }: { Q: number; L: number; positionsPerSecond: number; R: number },
): Int32Array {
  const frames = new Int32Array((Q + L) * R).fill(-1);
  let phone = 0;
  let end = ms[0] ?? 0;
  for (let n = 0; n < L * R; n++) {
    const middle = ((n + 0.5) / (positionsPerSecond * R)) * 1000;
    while (phone < ms.length - 1 && end <= middle) {
      phone += 1;
      end += ms[phone] ?? 0;
    }
    frames[Q * R + n] = phone;
  }
  return frames;
}

/**
 * Evaluations without a part of the condition: one without text and voice where they are guided together, else one without each. Twin of
 * `guidance_branches` in `training/speech_sampler.py`.
 */
export function guidanceBranches(voiceShare: number | undefined): Pick<SpeechCondition, 'drop' | 'drop_weight'> {
  if (voiceShare === undefined) return { drop: Int32Array.of(1, 1), drop_weight: Float32Array.of(1) };
  return { drop: Int32Array.of(1, 0, 0, 1), drop_weight: Float32Array.of(1 - voiceShare, voiceShare) };
}

/** The numbers of phones in a model's own order, or the first that it does not have. */
export function phoneNumbers(phones: readonly string[], model: SpeechModel): number[] | string {
  const numbers = new Map(model.phones.map((phone, number) => [phone, number]));
  const unknown = phones.find((phone) => !numbers.get(phone));
  return unknown ?? phones.map((phone) => numbers.get(phone) ?? 0);
}
