import { cpSync, existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import Database from 'libsql';
import { type Job, type ParamsInput, type Recipe, type Sampling, type Voice } from '../../../../src/contract/index.js';
import { nodeEngine } from '../../../../src/studio/index.js';
import { type TestStudio, openStudio, temporaryFolder } from '../support.js';
import { speech, wavFile } from '../voices/signals.js';

/** Random weights: 100 positions a second of 4 depths at 8 kHz. */
export const TINY_VOICE = resolve('test/fixtures/speech/tiny-voice');
export const CONSENT = 'I, Ada, agree that my voice is used here';
export const TEXT = 'Hello there. How are you?\n\nFine.';

/** Of a sentence whose text is not ASCII. */
export const RECIPE: Recipe = {
  format: 1,
  studio: '0.1.0',
  model: { id: 'voice-en', version: '1.0.0' },
  kind: 'speech',
  verb: 'generate',
  seed: 7,
  speech: { text: 'Ça va? ☺', speed: 1, phones: [], ms: [] },
};

export const FAST: Sampling = {
  steps: 2,
  schedule: 'circle',
  guidanceFrom: 0,
  guidanceTo: 1,
  topP: 0.9,
  tau: 4,
  noise: 0.7,
  reveal: 'confidence',
};

export interface SpeakingStudio extends TestStudio {
  voice: Voice;
  /** Says a text to its end. */
  say(change?: Partial<ParamsInput<'speech.say'>>): Promise<Job>;
}

/** A studio with the tiny voice package, the real engine, and one voice. */
export async function speakingStudio(engine: string, data = temporaryFolder()): Promise<SpeakingStudio> {
  const model = join(data, 'models', 'tiny-voice');
  if (!existsSync(model)) cpSync(TINY_VOICE, model, { recursive: true });
  const test = openStudio({ data, spawn: nodeEngine(engine) });
  const [known] = await test.ask('voices.list', null);
  const voice =
    known ?? (await test.ask('voices.add', { name: 'Ada', file: wavFile(speech({ seconds: 4 })), region: null, consent: CONSENT }));
  const say: SpeakingStudio['say'] = async (change = {}) => {
    const { id } = await test.ask('speech.say', { model: 'tiny-voice', voice: voice.id, text: TEXT, seed: 5, sampling: FAST, ...change });
    return test.ended(id);
  };
  return { ...test, voice, say };
}

/** The studio started again with its items out of the trash while their voice stays in it, as a library of an earlier version may have it. */
export async function itemsOutOfTrash({ data, studio }: TestStudio, engine: string): Promise<SpeakingStudio> {
  await studio.close();
  const db = new Database(join(data, 'studio.db'));
  db.exec('UPDATE items SET deleted_at = NULL');
  db.close();
  return speakingStudio(engine, data);
}

/** A tone of that size between silences, as a sound file of somebody who hums. */
export function tone(seconds: number, size: number, silence: number, sampleRate: number): Float32Array {
  const [n, quiet] = [Math.round(seconds * sampleRate), Math.round(silence * sampleRate)];
  const samples = new Float32Array(n + 2 * quiet);
  for (let i = 0; i < n; i++) samples[quiet + i] = size * Math.sin((2 * Math.PI * 200 * i) / sampleRate);
  return samples;
}
