import { cp, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EngineReply, EngineRequest } from '../../../src/contract/engine.js';
import { Engine } from '../../../src/engine/index.js';
import { LaterSessions } from '../../../src/engine/later-sessions.js';
import { voiceVectors } from '../../../src/engine/listen.js';
import { openPackage } from '../../../src/engine/package.js';
import { RequestHandler } from '../../../src/engine/request-handler.js';
import { TINY, TINY_VOICE, temporaryFolder } from './fixtures.js';

/** Of a position of the tiny package. */
const SAMPLES = 80;

/** So many positions of a tone that rises, so that no two windows are alike. */
function glide(positions: number): Float32Array<ArrayBuffer> {
  let phase = 0;
  return Float32Array.from({ length: positions * SAMPLES }, (_, n) => {
    phase += (120 + n / 20) / 8000;
    return 0.4 * Math.sin(2 * Math.PI * phase);
  });
}

let sessions: LaterSessions;
beforeAll(async () => {
  sessions = new LaterSessions(await openPackage(TINY_VOICE), 1);
});
afterAll(() => sessions.release());

describe('voice vectors', () => {
  test('of windows that run together are those of each by itself', async () => {
    // Eleven windows, which take two runs.
    const samples = glide(10 * 5 + 20);
    const vectors = await voiceVectors(sessions, samples, { window: 20, hop: 5 });
    expect(vectors).toHaveLength(11);
    const width = sessions.pack.manifest.speech?.width;
    expect(vectors.map((vector) => vector.length)).toEqual(Array.from({ length: 11 }, () => width));
    const { tokens } = await (await sessions.get('encode')).run({ B: 1, L: 70, N: samples.length }, { samples });
    const text = await sessions.get('text');
    for (const at of [0, 7, 8, 10]) {
      const prompt = (tokens as Int32Array).slice(at * 5 * 4, (at * 5 + 20) * 4);
      const alone = await text.run({ B: 1, P: 2, Q: 20 }, { phones: Int32Array.of(3, 4), speed: Float32Array.of(1), prompt });
      (alone['voice'] as Float32Array).forEach((value, w) => expect(vectors[at]?.[w]).toBeCloseTo(value, 4));
    }
    expect(vectors[0]).not.toEqual(vectors[10]);
  });

  test.each([
    ['no whole window', { window: 71, hop: 5 }],
    ['more windows than the engine gives at once', { window: 8, hop: 1 }],
    ['windows too short for the graph', { window: 7, hop: 5 }],
  ])('%s is refused', async (_, windows) => {
    await expect(voiceVectors(sessions, glide(90).subarray(0, windows.window === 71 ? 70 * SAMPLES : undefined), windows)).rejects.toThrow(
      /^A sound is listened to in 1 to 64 windows of 8 positions or more\./,
    );
  });

  test('a sound of half a position is refused, and so is a model of pictures', async () => {
    await expect(voiceVectors(sessions, glide(30).subarray(1), { window: 10, hop: 5 })).rejects.toMatchObject({ code: 'bad-request' });
    const pictures = new LaterSessions(await openPackage(TINY), 1);
    await expect(voiceVectors(pictures, glide(30), { window: 10, hop: 5 })).rejects.toThrow(/^The model “tiny” can't speak/);
  });
});

describe('the engine process', () => {
  function handler(): { receive: (request: EngineRequest) => void; answered: (id: number) => Promise<EngineReply> } {
    const replies: EngineReply[] = [];
    const made = new RequestHandler({ post: (reply) => void replies.push(reply), threads: 1 });
    const answered = async (id: number): Promise<EngineReply> => {
      const isIt = (reply: EngineReply): boolean => 'id' in reply && reply.id === id;
      await expect.poll(() => replies.some(isIt), { timeout: 20_000 }).toBe(true);
      return replies.find(isIt) as EngineReply;
    };
    return { receive: (request) => made.receive(request), answered };
  }
  const listen = (id: number, folder = TINY_VOICE): EngineRequest => ({
    type: 'voiceVectors',
    id,
    folder,
    samples: glide(40),
    window: 20,
    hop: 10,
  });

  test('listens with a package that is not loaded, and leaves the loaded one as it is', async () => {
    const { receive, answered } = handler();
    receive(listen(1));
    const first = await answered(1);
    expect(first).toMatchObject({ type: 'voiceVectors' });
    receive({ type: 'load', id: 2, folder: TINY, provider: 'cpu', probeAll: false });
    receive(listen(3));
    expect(await answered(3)).toEqual({ ...first, id: 3 });
    receive({ type: 'decode', id: 4, tokens: new Int32Array(16), depth: 4 });
    expect(await answered(4)).toMatchObject({ type: 'decoded' });
    receive({ type: 'load', id: 5, folder: TINY_VOICE, provider: 'cpu', probeAll: false });
    receive(listen(6));
    expect(await answered(6)).toEqual({ ...first, id: 6 });
  });

  test('says what is wrong with a package that it can’t listen with', async () => {
    const { receive, answered } = handler();
    const folder = join(await temporaryFolder(), 'tiny-voice');
    receive(listen(1, folder));
    expect(await answered(1)).toMatchObject({ type: 'error', error: { code: 'bad-model' } });
    await cp(TINY_VOICE, folder, { recursive: true });
    await rename(join(folder, 'encode.onnx'), join(folder, 'text.onnx'));
    receive(listen(2, folder));
    expect(await answered(2)).toMatchObject({ type: 'error', error: { code: 'bad-model' } });
    receive(listen(3));
    expect(await answered(3)).toMatchObject({ type: 'voiceVectors' });
  });
});

test('a loaded engine and one that only listens make the same tokens', async () => {
  const engine = await Engine.load(TINY_VOICE, { provider: 'cpu', threads: 1 });
  try {
    const samples = glide(12);
    const { tokens } = await (await sessions.get('encode')).run({ B: 1, L: 12, N: samples.length }, { samples });
    expect((await engine.encodeSound(samples)).tokens).toEqual(tokens);
  } finally {
    await engine.dispose();
  }
});
