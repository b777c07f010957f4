import { Engine, phoneNumbers, readPackageFile, readSafetensors } from '../src/engine/index.js';
import { median, samplingOf } from './load.js';

export interface SpeechLoad {
  steps: number;
  rounds: number;
  threads: number;
  /** Phones of the sentence to say. */
  phones: number;
  /** Positions of the clip of the voice. */
  prompt: number;
}

/** What one side took to say a sentence, and how long that is when heard. */
interface Said {
  ms: number;
  seconds: number;
}

/** What a person writes first, as phones; sentences of other lengths repeat it. */
const WORDS = ['_', 'DH', 'AH0', '_', 'K', 'AE1', 'T', '_', 'S', 'L', 'IY1', 'P', 'S'];

/**
 * The engine and PyTorch eager say sentences of the same length in turn, on the same graphs; `eager` runs one round of the other side.
 * Time to first sound is that of a voice that is not known yet: its clip is encoded, the lengths are asked for, the sentence is said.
 */
export async function speech(folder: string, { steps, rounds, threads, phones: count, prompt: Q }: SpeechLoad, eager: () => Said) {
  const started = performance.now();
  const engine = await Engine.load(folder, { provider: 'cpu', threads });
  const loadMs = performance.now() - started;
  try {
    const { manifest } = engine.pack;
    const { sound, speech: model } = manifest;
    if (!sound || !model) throw new Error(`The package ${manifest.id} does not speak.`);
    const numbers = phoneNumbers(WORDS, model);
    if (typeof numbers === 'string') throw new Error(`The package ${manifest.id} has no phone ${numbers}.`);
    const phones = Array.from({ length: count }, (_, i) => numbers[i % numbers.length] ?? 1);
    const clip = await clipOf(engine, Q * sound.samplesPerPosition);
    let seed = 0;
    const say = async (prompt: Int32Array): Promise<Said> => {
      const start = performance.now();
      const ms = await engine.durations(phones, 1, prompt);
      const { samples } = await engine.speak({ phones, ms, speed: 1, prompt, seed: seed++ }, samplingOf(engine.pack, steps));
      return { ms: performance.now() - start, seconds: samples.length / sound.sampleRate };
    };
    const first = async (): Promise<number> => {
      const start = performance.now();
      const { tokens } = await engine.encodeSound(clip);
      await say(tokens);
      return performance.now() - start;
    };
    const firstEverMs = await first();
    const { tokens } = await engine.encodeSound(clip);
    const ours: Said[] = [];
    const theirs: Said[] = [];
    const firstMs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      ours.push(await say(tokens));
      theirs.push(eager());
      firstMs.push(await first());
    }
    const realTime = ({ ms, seconds }: Said): number => ms / 1000 / seconds;
    return {
      secondsOfSpeech: { engine: median(ours.map((one) => one.seconds)), eager: median(theirs.map((one) => one.seconds)) },
      realTimeFactor: { engine: median(ours.map(realTime)), eager: median(theirs.map(realTime)) },
      timesFaster: median(theirs.map((one, round) => realTime(one) / realTime(ours[round] ?? { ms: Number.NaN, seconds: 1 }))),
      firstSoundMs: { sessionsMade: median(firstMs), sessionsToMake: firstEverMs },
      loadMs,
    };
  } finally {
    await engine.dispose();
  }
}

/** The recorded clip of the package, again and again: what it holds does not matter, its length does. */
async function clipOf(engine: Engine, length: number): Promise<Float32Array> {
  const recorded = readSafetensors(await readPackageFile(engine.pack, 'golden')).tensors.get('encode.in.samples')?.data;
  if (!recorded) throw new Error(`The package ${engine.pack.manifest.id} has no recorded clip.`);
  return Float32Array.from({ length }, (_, i) => Number(recorded[i % recorded.length]));
}
