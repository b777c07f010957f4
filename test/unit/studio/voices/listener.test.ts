import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ModelSummary, type Region, StudioError, VOICE_RATE } from '../../../../src/contract/index.js';
import { LaterSessions } from '../../../../src/engine/later-sessions.js';
import { voiceVectors } from '../../../../src/engine/listen.js';
import { type ModelPackage, inspectPackage, openPackage } from '../../../../src/engine/package.js';
import { nodeEngine } from '../../../../src/studio/index.js';
import { checkClip, checkVoice } from '../../../../src/studio/voices/check.js';
import { type Clip, readClip } from '../../../../src/studio/voices/clip.js';
import { Listener } from '../../../../src/studio/voices/listener.js';
import type { VoiceWindow } from '../../../../src/studio/voices/speakers.js';
import { bundleEngineProcess } from '../../engine/engine-process.js';
import { openStudio, request } from '../support.js';
import { joined, speech, wavFile } from './signals.js';

const VOICE_EN = resolve('resources/models/voice-en');
const PICTURES = resolve('test/fixtures/models/tiny');

const clipOf = (samples: Float32Array): Clip => ({ samples, sampleRate: VOICE_RATE, channels: 1, clipped: [], broken: [] });

async function samplesOf(file: string): Promise<Float32Array> {
  return (await readClip(file, new Uint8Array(readFileSync(file)))).samples;
}

/** Somebody whom no model was trained on, and somebody who is nobody: of like pitch, so that pitch alone can't tell them. */
let reader: Float32Array;
let sample: Float32Array;
beforeAll(async () => {
  reader = await samplesOf('test/fixtures/sounds/reader.ogg');
  sample = await samplesOf('src/renderer/voices/sample-voice.flac');
});

/** The packages in these folders, as `Models` has them. */
const modelsIn = (...folders: string[]): { list: () => Promise<ModelSummary[]>; find: (id: string) => Promise<ModelPackage> } => ({
  list: () => Promise.all(folders.map(inspectPackage)),
  find: async (id) => {
    const found = (await Promise.all(folders.map(openPackage))).find(({ manifest }) => manifest.id === id);
    if (!found) throw new StudioError('not-found', 'There is no such model.');
    return found;
  },
});

interface Asked {
  samples: Float32Array;
  window: number;
  hop: number;
}

/** An engine that writes down what it is asked, and answers with a vector of each window's first samples. */
function fakeEngine(answer?: (asked: Asked) => Promise<Float32Array[] | null>) {
  const asked: Asked[] = [];
  const windowsOf = ({ samples, window, hop }: Asked): Float32Array[] =>
    Array.from({ length: (samples.length / 320 - window) / hop + 1 }, (_, n) => samples.slice(n * hop * 320, n * hop * 320 + 8));
  return {
    asked,
    voiceVectors: async (_model: ModelPackage, request: Asked) => {
      asked.push(request);
      return answer ? answer(request) : windowsOf(request);
    },
  };
}

const whole = (clip: Clip): Region => ({ from: 0, until: clip.samples.length / VOICE_RATE });
const places = (windows: VoiceWindow[] | null): number[] | undefined => windows?.map(({ at }) => at);
const range = (from: number, until: number): number[] => Array.from({ length: until - from }, (_, n) => from + n);

describe('listening to a clip', () => {
  it('asks for windows of two seconds, each half a second, ten seconds at once', async () => {
    const engine = fakeEngine();
    const clip = clipOf(speech({ seconds: 25 }));
    const windows = await new Listener(modelsIn(PICTURES, VOICE_EN), engine).hear(clip, whole(clip));
    expect(places(windows)).toEqual(range(0, 47));
    expect(engine.asked.map(({ samples, window, hop }) => [samples.length / VOICE_RATE, window, hop])).toEqual([
      [10, 100, 25],
      [10, 100, 25],
      [8, 100, 25],
    ]);
    // Each is of its own place, at the level of the model's training.
    const factor = (windows?.[0]?.vector[4] ?? 0) / (clip.samples[4] ?? 1);
    for (const { at, vector } of windows ?? [])
      vector.forEach((value, n) => expect(value).toBeCloseTo(factor * (clip.samples[at * 8000 + n] ?? 0), 5));
  });

  it('makes each window once, whatever parts of the clip are asked for', async () => {
    const engine = fakeEngine();
    const listener = new Listener(modelsIn(VOICE_EN), engine);
    const clip = clipOf(speech({ seconds: 40 }));
    expect(places(await listener.hear(clip, { from: 10.2, until: 20 }))).toEqual(range(21, 37));
    expect(places(await listener.hear(clip, { from: 12, until: 19.7 }))).toEqual(range(24, 36));
    expect(engine.asked).toHaveLength(1);
    expect(places(await listener.hear(clip, { from: 9, until: 22 }))).toEqual(range(18, 41));
    expect(engine.asked.slice(1).map(({ samples }) => samples.length / VOICE_RATE)).toEqual([3, 3.5]);
    // Of another clip nothing is known.
    await listener.hear(clipOf(clip.samples), { from: 12, until: 19.7 });
    expect(engine.asked).toHaveLength(4);
  });

  it('asks nothing of a part that is too short to tell', async () => {
    const engine = fakeEngine();
    const clip = clipOf(speech({ seconds: 10 }));
    expect(await new Listener(modelsIn(VOICE_EN), engine).hear(clip, { from: 2, until: 7.9 })).toEqual([]);
    expect(engine.asked).toEqual([]);
  });

  it('lets two checks of the same clip wait for each other', async () => {
    let running = 0;
    const engine = fakeEngine(async ({ samples }) => {
      if (running > 0) return null;
      running++;
      await new Promise((done) => setTimeout(done, 5));
      running--;
      return Array.from({ length: (samples.length / 320 - 100) / 25 + 1 }, () => new Float32Array(4));
    });
    const listener = new Listener(modelsIn(VOICE_EN), engine);
    const clip = clipOf(speech({ seconds: 12 }));
    const both = await Promise.all([listener.hear(clip, { from: 0, until: 8 }), listener.hear(clip, whole(clip))]);
    expect(both.map(places)).toEqual([range(0, 13), range(0, 21)]);
  });

  it('gives up where it takes too long, and goes on from there the next time', async () => {
    const engine = fakeEngine();
    const clip = clipOf(speech({ seconds: 25 }));
    const listener = new Listener(modelsIn(VOICE_EN), engine, -1);
    expect(await listener.hear(clip, whole(clip))).toBeNull();
    const patient = new Listener(
      modelsIn(VOICE_EN),
      {
        voiceVectors: async (model, asked) => {
          const made = await engine.voiceVectors(model, asked);
          await new Promise((done) => setTimeout(done, 30));
          return made;
        },
      },
      20,
    );
    expect(await patient.hear(clip, whole(clip))).toBeNull();
    expect(await patient.hear(clip, whole(clip))).toBeNull();
    expect(places(await patient.hear(clip, whole(clip)))).toEqual(range(0, 47));
    expect(engine.asked).toHaveLength(3);
  });
});

describe('the check of a clip where nobody can listen', () => {
  const two = clipOf(joined(speech({ seconds: 6, hertz: 105 }), speech({ seconds: 6, hertz: 220 })));
  const one = clipOf(speech({ seconds: 12 }));
  it.each([
    ['no model speaks', new Listener(modelsIn(PICTURES), fakeEngine())],
    ['there is no model at all', new Listener(modelsIn(), fakeEngine())],
    [
      'the engine is in use',
      new Listener(
        modelsIn(VOICE_EN),
        fakeEngine(async () => null),
      ),
    ],
    [
      'the model is broken',
      new Listener(
        modelsIn(VOICE_EN),
        fakeEngine(() => Promise.reject(new StudioError('bad-model', 'It is broken. Install it again.'))),
      ),
    ],
    [
      'the engine does not start',
      new Listener(
        modelsIn(VOICE_EN),
        fakeEngine(() => Promise.reject(new Error('spawn ENOENT'))),
      ),
    ],
    ['the models can not be listed', new Listener({ ...modelsIn(), list: () => Promise.reject(new Error('EIO')) }, fakeEngine())],
    [
      'the model makes no numbers',
      new Listener(
        modelsIn(VOICE_EN),
        fakeEngine(async () => range(0, 17).map(() => new Float32Array(4).fill(Number.NaN))),
      ),
    ],
  ])('is that of pitch alone: %s', async (_, listener) => {
    expect(await checkVoice(listener, one, null)).toEqual([]);
    expect(await checkVoice(listener, two, null)).toEqual(checkClip(two, null));
    expect(checkClip(two, null).map(({ kind }) => kind)).toEqual(['speakers']);
  });

  it('asks nobody about a clip that can be no voice, or has no speech in it', async () => {
    const engine = fakeEngine();
    const listener = new Listener(modelsIn(VOICE_EN), engine);
    for (const samples of [speech({ seconds: 31 }), new Float32Array(10 * VOICE_RATE), speech({ seconds: 2 })])
      expect(await checkVoice(listener, clipOf(samples), null)).toMatchObject([{ blocks: true }]);
    expect(engine.asked).toEqual([]);
  });
});

describe('with the model that ships', () => {
  let listener: Listener;
  beforeAll(async () => {
    const sessions = new LaterSessions(await openPackage(VOICE_EN), 1);
    listener = new Listener(
      modelsIn(VOICE_EN),
      { voiceVectors: (_, { samples, ...windows }) => voiceVectors(sessions, samples, windows) },
      60_000,
    );
    return () => sessions.release();
  });
  const kinds = async (samples: Float32Array, region: Region | null = null): Promise<string[]> =>
    (await checkVoice(listener, clipOf(samples), region)).map(({ kind }) => kind);

  it('one person is one person', async () => {
    expect(await kinds(reader)).toEqual([]);
    expect(await kinds(sample)).toEqual([]);
  });

  it('a pause is no other person', async () => {
    const pause = Float32Array.from({ length: 3 * VOICE_RATE }, (_, n) => 1e-4 * Math.sin(n * n));
    expect(await kinds(joined(reader.subarray(0, 96_000), pause, reader.subarray(96_000)))).toEqual([]);
  });

  it('two people are found, of whom pitch alone knows nothing, and each part is of one', async () => {
    const both = joined(reader.subarray(0, 96_000), sample.subarray(0, 96_000));
    expect(checkClip(clipOf(both), null)).toEqual([]);
    expect(await kinds(both)).toEqual(['speakers']);
    expect(await kinds(both, { from: 0, until: 6 })).toEqual([]);
    expect(await kinds(both, { from: 6, until: 12 })).toEqual([]);
  });
});

describe('in the studio', () => {
  it('listens without loading the model, and not while pictures are made', async () => {
    const process = await bundleEngineProcess('listener');
    const both = wavFile(joined(reader.subarray(0, 96_000), sample.subarray(0, 96_000)));
    const { ask, ended } = openStudio({ spawn: nodeEngine(process), modelFolders: [resolve('resources/models')] });
    const check = async (): Promise<string[]> => (await ask('voices.check', { file: both, region: null })).map(({ kind }) => kind);
    const job = await ask('jobs.create', request({ model: 'fruits', classes: ['Banana'], count: 4 }));
    expect(await check()).toEqual([]);
    await ended(job.id);
    // A machine that is busy with other things may take too long at first.
    await expect.poll(check, { timeout: 50_000 }).toEqual(['speakers']);
    expect(await ask('engine.status', null)).toMatchObject({ state: 'ready', model: 'fruits' });
  }, 60_000);
});
