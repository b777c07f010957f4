import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bridge, CallName, ParamsInput, Result } from '../src/contract/index.js';
import { writeNpy } from '../src/engine/index.js';
import { createStudio, nodeEngine } from '../src/studio/index.js';

interface Options {
  model: string;
  models: string[];
  /** Of a sound; pictures have those of their model. */
  positions: number;
  /** The built engine process. */
  engine: string;
}

const ITEMS = 5;

/** Each item is of other tokens, and each of its depths is asked for once: nothing comes out of what was kept. */
export async function measure({ model, models, positions, engine }: Options) {
  const dataFolder = await mkdtemp(join(tmpdir(), 'resgen-bench-'));
  const studio = createStudio({ host: 'cli', version: '0.0.0', modelFolders: models, dataFolder, spawnEngine: nodeEngine(engine) });
  try {
    await ask(studio, 'settings.set', { provider: 'cpu' });
    const manifest = (await ask(studio, 'models.list', null)).find(({ id }) => id === model)?.manifest;
    if (!manifest) throw new Error(`There is no model ${model} in ${models.join(', ')}.`);
    const { D, V } = manifest.tokens;
    const L = manifest.sound ? positions : manifest.tokens.L;
    const ms: number[] = [];
    for (let n = 0; n <= ITEMS; n++) {
      const codes = Int32Array.from({ length: L * D }, (_, place) => ((place + 1) * (7919 + 2 * n)) % V);
      const { id } = await ask(studio, 'tokens.import', { name: 'codes.npy', bytes: writeNpy({ L, D, codes }), model });
      for (let depth = 1; depth <= D; depth++) {
        const started = performance.now();
        await ask(studio, 'tokens.decode', { id, views: [{ depth }] });
        // The first item warms up.
        if (n > 0) ms.push(performance.now() - started);
      }
    }
    ms.sort((a, b) => a - b);
    const at = (share: number): number => ms[Math.min(ms.length - 1, Math.floor(share * ms.length))] ?? Number.NaN;
    return {
      model,
      version: manifest.version,
      positions: L,
      cores: availableParallelism(),
      views: ms.length,
      ms: { median: at(0.5), p95: at(0.95), max: at(1) },
    };
  } finally {
    await studio.close();
    await rm(dataFolder, { recursive: true, force: true });
  }
}

async function ask<N extends CallName>(studio: Bridge, name: N, params: ParamsInput<N>): Promise<Result<N>> {
  const reply = await studio.call(name, params);
  if (!reply.ok) throw new Error(reply.error.message);
  return reply.value;
}
