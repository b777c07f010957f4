import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Engine } from '../src/engine/index.js';
import { Mlserver, mlserverRepository } from '../test/servers/mlserver.js';
import { type Load, batchOf, median, samplingOf } from './load.js';

/** Pictures a minute of one engine: here, and on one and two servers over HTTP and gRPC, in turn. One thread a graph everywhere. */
export async function throughput(python: string, packageFolder: string, load: Load) {
  const repository = mkdtempSync(path.join(tmpdir(), 'resgen-bench-'));
  const servers: Mlserver[] = [];
  const engines = new Map<string, Engine>();
  try {
    const models = await mlserverRepository(packageFolder, repository);
    for (let i = 0; i < 2; i++) servers.push(await Mlserver.start(python, repository, models));
    const remote = (way: 'http' | 'grpc', count: number): Promise<Engine> =>
      Engine.load(packageFolder, {
        provider: 'remote',
        remote: servers
          .slice(0, count)
          .map((server) => server[way])
          .join(','),
      });
    engines.set('local, 1 thread', await Engine.load(packageFolder, { provider: 'cpu', threads: 1 }));
    engines.set('local, all threads', await Engine.load(packageFolder, { provider: 'cpu', threads: load.threads }));
    for (const way of ['http', 'grpc'] as const) for (const count of [1, 2]) engines.set(`${way}, ${count}`, await remote(way, count));

    const ms = new Map<string, number[]>();
    for (let round = 0; round <= load.rounds; round++) {
      for (const [name, engine] of engines) {
        const started = performance.now();
        await engine.generate(batchOf(engine.pack, load.batch, 1 + round * load.batch), samplingOf(engine.pack, load.steps));
        // The first round warms up.
        if (round > 0) ms.set(name, [...(ms.get(name) ?? []), (performance.now() - started) / load.batch]);
      }
    }
    const alone = median(ms.get('local, 1 thread') ?? []);
    return Object.fromEntries(
      [...ms].map(([name, times]) => {
        const msPerImage = median(times);
        return [name, { msPerImage, picturesPerMinute: 60_000 / msPerImage, timesLocal: alone / msPerImage }];
      }),
    );
  } finally {
    await Promise.all([...engines.values()].map((engine) => engine.dispose()));
    await Promise.all(servers.map((server) => server.kill()));
    rmSync(repository, { recursive: true, force: true });
  }
}
