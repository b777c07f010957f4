import type {
  Bridge,
  CallName,
  ImageJob,
  Item,
  Manifest,
  Params,
  Recipe,
  Reply,
  Result,
  Sampling,
  Settings,
  SpeechJob,
  StudioEvent,
  WireError,
  Voice,
} from '../../../src/contract/index.js';

type Answer<N extends CallName> = Result<N> | WireError;
export type Handlers = { [N in CallName]?: (params: Params<N>) => Answer<N> | Promise<Answer<N>> };

/** A bridge that answers from a table, notes what was called, and lets a test play the studio's events. */
export class FakeBridge implements Bridge {
  readonly calls: { name: CallName; params: unknown }[] = [];
  #listeners = new Set<(event: StudioEvent) => void>();

  constructor(private readonly handlers: Handlers = {}) {}

  async call<N extends CallName>(name: N, params: unknown): Promise<Reply<Result<N>>> {
    this.calls.push({ name, params });
    const handler = this.handlers[name] as ((p: unknown) => Answer<N> | Promise<Answer<N>>) | undefined;
    if (!handler) throw new Error(`The test did not expect ${name}.`);
    const result = await handler(params);
    if (typeof result === 'object' && result !== null && 'code' in result && 'message' in result) {
      return { ok: false, error: result };
    }
    return { ok: true, value: result };
  }

  subscribe(listener: (event: StudioEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  called(name: CallName): unknown[] {
    return this.calls.filter((call) => call.name === name).map((call) => call.params);
  }
}

export const sampling: Sampling = {
  steps: 24,
  schedule: 'circle',
  guidanceFrom: 0.02,
  guidanceTo: 2.4,
  topP: 0.94,
  tau: 28,
  noise: 1,
  reveal: 'confidence',
};

const file = { path: 'file', bytes: 1, sha256: '0'.repeat(64) };

export const manifest: Manifest = {
  format: 1,
  id: 'fruits',
  version: '1.0.0',
  kind: 'image',
  title: 'Fruits',
  description: '',
  licence: 'MIT',
  tokens: { L: 4, D: 2, V: 8, H: 4, K: 4, grid: [2, 2] },
  schedule: 'circle',
  sigma: [1, 1],
  classes: ['Apple', 'Banana', 'Kiwi'],
  image: { size: 16 },
  presets: [
    { id: 'fast', sampling: { ...sampling, steps: 8 } },
    { id: 'balanced', sampling },
    { id: 'best', sampling: { ...sampling, steps: 48, topP: 0.96 } },
  ],
  defaultPreset: 'balanced',
  files: { step: file, decode: file, encode: file, codebooks: file, golden: file, card: file },
};

export const recipe: Recipe = {
  format: 1,
  studio: '0.1.0',
  model: { id: 'fruits', version: '1.0.0' },
  kind: 'image',
  verb: 'generate',
  className: 'Banana',
  seed: 7,
  sampling,
};

export const settings: Settings = { theme: 'system', embedRecipe: true, provider: 'auto', lastModel: null, welcomed: true };

export function item(id: string, change: Partial<Item> = {}): Item {
  return {
    id,
    kind: 'image',
    createdAt: 1,
    jobId: null,
    recipe,
    width: 16,
    height: 16,
    durationMs: 5,
    deletedAt: null,
    favourite: false,
    tags: [],
    ...change,
  };
}

export function job(id: string, change: Partial<ImageJob> = {}): ImageJob {
  return {
    id,
    kind: 'image',
    request: { model: 'fruits', classes: ['Banana'], count: 4, seed: 1, sampling, batch: 4 },
    state: 'queued',
    createdAt: 1,
    startedAt: null,
    endedAt: null,
    done: 0,
    total: 4,
    error: null,
    place: 1,
    ...change,
  };
}

export const voice = (id: string, change: Partial<Voice> = {}): Voice => ({
  id,
  name: id,
  createdAt: 1,
  seconds: 8,
  source: 'a.wav',
  consent: { sentence: 'I agree to it.', at: 1 },
  items: 0,
  deletedAt: null,
  ...change,
});

export const speechJob = (id: string, change: Partial<SpeechJob> = {}): SpeechJob => ({
  id,
  kind: 'speech',
  request: { model: 'voice-en', voice: 'ada', text: 'One. Two.', seed: 1, sampling, speed: 1, again: {} },
  state: 'done',
  createdAt: 1,
  startedAt: 1,
  endedAt: 2,
  done: 2,
  total: 2,
  error: null,
  place: 1,
  ...change,
});
