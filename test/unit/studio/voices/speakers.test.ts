import { describe, expect, it } from 'vitest';
import { type VoiceWindow, changesSpeaker } from '../../../../src/studio/voices/speakers.js';

/** Cosines of windows of one voice here: 1 / (1 + SPREAD²), as of the clips that the thresholds were measured with. */
const SPREAD = 0.5;
const WIDTH = 256;

/** A generator of its own, so that every run has the same voices. */
function normals(seed: number): () => number {
  let state = seed;
  const uniform = (): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** Who is heard in each half second of a clip, by a letter; a dash is a pause. A window of 2 s is of those whom it hears, and of none in a pause. */
function windows(heard: string, { alike = 0, seed = 1 }: { alike?: number; seed?: number } = {}): VoiceWindow[] {
  const normal = normals(seed);
  const random = (): number[] => Array.from({ length: WIDTH }, normal);
  const shared = random();
  const voices = new Map<string, number[]>();
  const voiceOf = (who: string): number[] => {
    const known = voices.get(who) ?? random().map((one, w) => Math.sqrt(1 - alike) * one + Math.sqrt(alike) * (shared[w] ?? 0));
    voices.set(who, known);
    return known;
  };
  return Array.from({ length: heard.length - 3 }, (_, at): VoiceWindow[] => {
    const speaking = [...heard.slice(at, at + 4)].filter((who) => who !== '-');
    if (speaking.length < 2) return [];
    const of = speaking.map(voiceOf);
    const noise = random();
    const vector = noise.map((one, w) => SPREAD * one + of.reduce((sum, voice) => sum + (voice[w] ?? 0), 0) / of.length);
    return [{ at, vector: Float32Array.from(vector) }];
  }).flat();
}

describe('a change of the speaker', () => {
  it.each([1, 2, 3, 4, 5])('is not heard in one voice (%i)', (seed) => {
    expect(changesSpeaker(windows('a'.repeat(20), { seed }))).toBe(false);
    expect(changesSpeaker(windows('a'.repeat(60), { seed }))).toBe(false);
  });

  it('is heard where one follows the other, wherever that is', () => {
    expect(changesSpeaker(windows('a'.repeat(10) + 'b'.repeat(10)))).toBe(true);
    expect(changesSpeaker(windows('a'.repeat(6) + 'b'.repeat(14)))).toBe(true);
    expect(changesSpeaker(windows('a'.repeat(50) + 'b'.repeat(10)))).toBe(true);
  });

  it('is heard where two take turns', () => {
    expect(changesSpeaker(windows('aaaaaabbbbbb'.repeat(2)))).toBe(true);
  });

  it('is heard of like voices where there is enough of both', () => {
    expect(changesSpeaker(windows('a'.repeat(10) + 'b'.repeat(10), { alike: 0.65 }))).toBe(true);
    expect(changesSpeaker(windows('a'.repeat(6) + 'b'.repeat(6), { alike: 0.75 }))).toBe(false);
  });

  it('is heard across a pause, which by itself is none', () => {
    expect(changesSpeaker(windows(`${'a'.repeat(8)}------${'a'.repeat(8)}`))).toBe(false);
    expect(changesSpeaker(windows(`${'a'.repeat(8)}------${'b'.repeat(8)}`))).toBe(true);
  });

  it('is not heard of a few words, nor of nothing', () => {
    expect(changesSpeaker(windows('aaaaaabbbbb'))).toBe(false);
    expect(changesSpeaker(windows('aaaaaaaaaaaaabbaaaaaaaaaaaaa'))).toBe(false);
    expect(changesSpeaker([])).toBe(false);
  });
});
