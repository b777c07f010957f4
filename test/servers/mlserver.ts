import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { graphBorders } from '../../src/engine/borders.js';
import { openPackage } from '../../src/engine/package.js';
import { writeRepository } from '../../src/engine/remote/repository.js';
import { metadata } from '../unit/engine/v2-metadata.js';

const READY_MS = 120_000;
// From the project's folder, where tests and measurements run: bundled, this file lies elsewhere.
const RUNTIME = resolve('test', 'servers', 'mlserver', 'onnx_graph.py');

/**
 * A folder that MLServer serves: what `resgen export-repository` writes, and beside each graph what MLServer wants to know of it.
 * @returns the names of the models
 */
export async function mlserverRepository(packageFolder: string, folder: string): Promise<string[]> {
  const { manifest } = await openPackage(packageFolder);
  const borders = graphBorders(manifest);
  const names = await writeRepository(packageFolder, folder, { maxBatch: 64, instances: null, overwrite: true });
  for (const name of names) {
    const graph = name.slice(manifest.id.length + 1) as keyof typeof borders;
    const { inputs, outputs } = metadata(name, borders[graph], false);
    const settings = {
      name,
      implementation: 'onnx_graph.OnnxGraph',
      inputs,
      outputs,
      parameters: { uri: join(folder, name, '1', 'model.onnx') },
    };
    await writeFile(join(folder, name, 'model-settings.json'), JSON.stringify(settings));
    await cp(RUNTIME, join(folder, name, 'onnx_graph.py'));
  }
  return names;
}

/** One process of MLServer over such a folder. */
export class Mlserver {
  #said = '';

  private constructor(
    private readonly child: ChildProcess,
    readonly http: string,
    readonly grpc: string,
    private readonly metrics: string,
  ) {
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#said = (this.#said + text).slice(-4096)));
  }

  /** @param python of an environment with `mlserver` and `onnxruntime` */
  static async start(python: string, repository: string, models: readonly string[], at?: Mlserver): Promise<Mlserver> {
    const [http, grpc, metrics] = at ? at.ports : await freePorts(3);
    const child = spawn(python, ['-c', 'from mlserver.cli import main; main()', 'start', repository], {
      cwd: repository,
      // A group of its own, so that nothing it starts outlives it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        MLSERVER_HOST: '127.0.0.1',
        MLSERVER_HTTP_PORT: String(http),
        MLSERVER_GRPC_PORT: String(grpc),
        MLSERVER_METRICS_PORT: String(metrics),
        // Models run in this one process: a pool of workers for them would be others to wait for, and to end.
        MLSERVER_PARALLEL_WORKERS: '0',
        MLSERVER_DEBUG: 'false',
        PYTHONPATH: dirname(RUNTIME),
      },
    });
    const server = new Mlserver(child, `http://127.0.0.1:${http}`, `grpc://127.0.0.1:${grpc}`, `http://127.0.0.1:${metrics}/metrics`);
    try {
      await server.#ready(models);
      return server;
    } catch (error) {
      await server.kill();
      throw error;
    }
  }

  get ports(): number[] {
    return [this.http, this.grpc, this.metrics].map((address) => Number(new URL(address).port));
  }

  /** How many requests to infer each way it has answered, by its own count. */
  async inferred(model: string): Promise<number> {
    const text = await (await fetch(this.metrics)).text();
    const counts = text
      .split('\n')
      .filter((line) => line.startsWith('model_infer_request_success_total') && line.includes(`"${model}"`))
      .map((line) => Number(line.split(' ').at(-1)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** As a power cut would. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null || this.child.pid === undefined) return;
    const gone = once(this.child, 'exit');
    process.kill(-this.child.pid, 'SIGKILL');
    await gone;
  }

  async #ready(models: readonly string[]): Promise<void> {
    const until = Date.now() + READY_MS;
    for (const model of models) {
      for (;;) {
        if (this.child.exitCode !== null || this.child.signalCode !== null) throw new Error(`MLServer ended:\n${this.#said}`);
        if (Date.now() > until) throw new Error(`MLServer was not ready in ${READY_MS / 1000} s:\n${this.#said}`);
        const answer = await fetch(`${this.http}/v2/models/${model}/ready`, { signal: AbortSignal.timeout(5000) }).catch(() => null);
        if (answer?.ok) break;
        await delay(200);
      }
    }
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  // All at once, or the same port would come again.
  const ports = await Promise.all(
    servers.map(async (server) => {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return (server.address() as AddressInfo).port;
    }),
  );
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}
