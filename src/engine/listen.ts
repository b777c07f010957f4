import { StudioError } from '../contract/errors.js';
import type { LaterSessions } from './later-sessions.js';
import { float32, int32 } from './session.js';
import { LEAST_PHONES, LEAST_PROMPT } from './speech.js';

/** Windows that one run takes: more take memory and gain no time. */
const TOGETHER = 8;
/** Windows of one request, so that none holds up the next for long. */
const MOST_WINDOWS = 64;

/** Tokens `[L * D]` of mono samples `[N]` with L = N / samplesPerPosition, and the mean square of what is left after each depth. */
export async function encodeSound(sessions: LaterSessions, samples: Float32Array): Promise<{ tokens: Int32Array; residual: Float32Array }> {
  const { id, sound, files, tokens: shape } = sessions.pack.manifest;
  if (!files.encode || !sound)
    throw new StudioError('bad-request', `The model "${id}" can't take sounds in: it has no encoder for them. Choose another model.`);
  const L = samples.length / sound.samplesPerPosition;
  if (!Number.isInteger(L) || L < 1 || L > shape.L) {
    const seconds = (shape.L * sound.samplesPerPosition) / sound.sampleRate;
    throw new StudioError('bad-request', `The model "${id}" takes sounds of up to ${seconds.toFixed(1)} seconds. Choose a shorter one.`);
  }
  const encoder = await sessions.get('encode');
  const { tokens, residual } = await encoder.run({ B: 1, L, N: samples.length }, { samples });
  return { tokens: int32(tokens), residual: float32(residual) };
}

/** The voice vectors `[B * W]` of sounds, each of as many tokens as the others: `[B * Q * D]`. */
export async function voicesOf(sessions: LaterSessions, tokens: Int32Array, B: number): Promise<Float32Array> {
  const graph = await sessions.get('text');
  const Q = tokens.length / B / sessions.pack.manifest.tokens.D;
  // The graph wants phones too, whichever.
  const phones = new Int32Array(B * LEAST_PHONES).fill(1);
  const { voice } = await graph.run({ B, P: LEAST_PHONES, Q }, { phones, speed: new Float32Array(B).fill(1), prompt: tokens });
  return float32(voice);
}

/**
 * Whose voice is heard where in a sound: the voice vector `[W]` of each window of `window` positions, the first at the beginning and each
 * `hop` positions after the one before, as many as lie wholly inside.
 * @param samples mono at the model's rate, whole positions of them
 * @throws StudioError `bad-request` for a model that does not speak, or windows that it can't take
 */
export async function voiceVectors(
  sessions: LaterSessions,
  samples: Float32Array,
  { window, hop }: { window: number; hop: number },
): Promise<Float32Array[]> {
  const { id, sound, speech, files, tokens: shape } = sessions.pack.manifest;
  if (!sound || !speech || !files.text) throw new StudioError('bad-request', `The model “${id}” can't speak. Choose one that can.`);
  const count = Math.floor((samples.length / sound.samplesPerPosition - window) / hop) + 1;
  if (window < LEAST_PROMPT || hop < 1 || count < 1 || count > MOST_WINDOWS) {
    throw new StudioError('bad-request', `A sound is listened to in 1 to ${MOST_WINDOWS} windows of ${LEAST_PROMPT} positions or more.`);
  }
  const { tokens } = await encodeSound(sessions, samples);
  const vectors: Float32Array[] = [];
  for (let first = 0; first < count; first += TOGETHER) {
    const B = Math.min(TOGETHER, count - first);
    const prompt = new Int32Array(B * window * shape.D);
    for (let b = 0; b < B; b++) {
      const at = (first + b) * hop * shape.D;
      prompt.set(tokens.subarray(at, at + window * shape.D), b * window * shape.D);
    }
    const voices = await voicesOf(sessions, prompt, B);
    const W = speech.width;
    for (let b = 0; b < B; b++) vectors.push(voices.subarray(b * W, (b + 1) * W));
  }
  return vectors;
}
