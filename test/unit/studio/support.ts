import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import type {
  CallName,
  EventName,
  EventPayload,
  ImageRequest,
  Manifest,
  ParamsInput,
  Result,
  Sampling,
  SpawnEngine,
  StudioEvent,
} from '../../../src/contract/index.js';
import { writeSafetensors } from '../../../src/engine/index.js';
import { type Studio, createStudio, nodeEngine } from '../../../src/studio/index.js';

export const FAKE_ENGINE = join(import.meta.dirname, 'fake-engine.mjs');
const CLASSES = ['Banana', 'Apple Red', 'Cherry'];

export const SAMPLING: Sampling = {
  steps: 6,
  schedule: 'circle',
  guidanceFrom: 0,
  guidanceTo: 1.5,
  topP: 0.9,
  tau: 4,
  noise: 0.7,
  reveal: 'confidence',
};

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'resgen-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A package that passes every check of the manifest and the files; the graphs are no graphs, which only a real engine would notice. */
export function makePackage(folder: string, change: Partial<Manifest> = {}): void {
  mkdirSync(folder, { recursive: true });
  const file = (path: string, content: string | Uint8Array) => {
    writeFileSync(join(folder, path), content);
    return { path, bytes: Buffer.byteLength(content), sha256: createHash('sha256').update(content).digest('hex') };
  };
  const [D, V, H] = [3, 8, 2];
  // Code 0 of every depth is next to nothing, and deeper codes are shorter, as in a trained codebook.
  const embeddings = Float32Array.from(
    { length: D * V * H },
    (_, n) => (Math.floor(n / H) % V) * 4 ** -Math.floor(n / (V * H)) * (n % H ? 1 : -1),
  );
  const manifest: Manifest = {
    format: 1,
    id: 'fake',
    version: '1.0.0',
    kind: 'image',
    title: 'Fake',
    description: 'For tests.',
    licence: 'MIT',
    tokens: { L: 4, D, V, H, K: 4, grid: [2, 2] },
    schedule: 'circle',
    sigma: [1, 0.5, 0.25],
    classes: CLASSES,
    image: { size: 8 },
    thumbnails: { columns: 2, tile: 8 },
    presets: [{ id: 'balanced', sampling: SAMPLING }],
    defaultPreset: 'balanced',
    files: {
      step: file('step.onnx', 'step'),
      decode: file('decode.onnx', 'decode'),
      encode: file('encode.onnx', 'encode'),
      codebooks: file('codebooks.safetensors', writeSafetensors({ codebooks: { shape: [D, V, H], data: embeddings } })),
      golden: file('golden.safetensors', 'golden'),
      card: file('card.md', '# Fake\n'),
      thumbnails: file('thumbnails.webp', 'tiles'),
    },
    ...change,
  };
  writeFileSync(join(folder, 'model.json'), JSON.stringify(manifest));
}

export interface TestStudio {
  studio: Studio;
  data: string;
  events: StudioEvent[];
  /** Process ids of every engine process so far. */
  pids: number[];
  /** Calls and gives the value; a refused call throws its sentence. */
  ask<N extends CallName>(name: N, params: ParamsInput<N>): Promise<Result<N>>;
  /** The first event of that name, past or to come, that passes. */
  event<N extends EventName>(name: N, passes?: (payload: EventPayload<N>) => boolean): Promise<EventPayload<N>>;
  /** Resolves when the job is done, failed or cancelled. */
  ended(id: string): Promise<EventPayload<'job'>>;
}

/** A studio over the fake engine in a folder of its own, closed when the test ends. */
export function openStudio({
  data = temporaryFolder(),
  spawn = nodeEngine(FAKE_ENGINE),
  modelFolders = [],
}: { data?: string; spawn?: SpawnEngine; modelFolders?: string[] } = {}): TestStudio {
  makePackage(join(data, 'models', 'fake'));
  const pids: number[] = [];
  const studio = createStudio({
    host: 'cli',
    version: '0.1.0',
    modelFolders,
    dataFolder: data,
    g2pFile: 'resources/text/g2p.bin',
    spawnEngine: () => {
      const engine = spawn();
      if (engine.pid !== undefined) pids.push(engine.pid);
      return engine;
    },
  });
  onTestFinished(() => studio.close());
  const events: StudioEvent[] = [];
  studio.subscribe((event) => events.push(event));

  const event: TestStudio['event'] = (name, passes = () => true) =>
    new Promise((resolve) => {
      const matches = (candidate: StudioEvent): boolean =>
        candidate.name === name && passes(candidate.payload as EventPayload<typeof name>);
      const past = events.find(matches);
      if (past) return resolve(past.payload as EventPayload<typeof name>);
      const stop = studio.subscribe((candidate) => {
        if (!matches(candidate)) return;
        stop();
        resolve(candidate.payload as EventPayload<typeof name>);
      });
    });

  return {
    studio,
    data,
    events,
    pids,
    event,
    ask: async (name, params) => {
      const reply = await studio.call(name, params);
      if (!reply.ok) throw new Error(`${reply.error.code}: ${reply.error.message}`);
      return reply.value;
    },
    ended: (id) => event('job', (job) => job.id === id && ['done', 'failed', 'cancelled'].includes(job.state)),
  };
}

export function request(change: Partial<ImageRequest> = {}): ImageRequest {
  return { model: 'fake', classes: ['Banana'], count: 2, seed: 42, sampling: SAMPLING, batch: 2, ...change };
}

/** For the environment that the fake engine reads. */
export function setEnvironment(name: string, value: string): void {
  vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
}
