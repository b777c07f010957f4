import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { build } from 'vite';
import { EngineReply, type EngineRequest } from '../../../src/contract/engine.js';

/** Bundles the process entry as the application's build does. Inside the repository, so that it finds node_modules; a folder for each user, as test files run at once. */
export async function bundleEngineProcess(user = 'process'): Promise<string> {
  const outDir = resolve('.cache/test-engine', user);
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: resolve('src/engine/process.ts'),
      outDir,
      target: 'node20',
      emptyOutDir: true,
      rolldownOptions: { output: { entryFileNames: 'process.mjs' } },
    },
  });
  return join(outDir, 'process.mjs');
}

/** A forked engine process with its replies checked against the contract. */
export class EngineUnderTest {
  readonly replies: EngineReply[] = [];
  private readonly waiting = new Set<() => void>();

  private constructor(readonly child: ChildProcess) {
    child.on('message', (message) => {
      this.replies.push(EngineReply.parse(message));
      this.wake();
    });
    child.on('exit', () => this.wake());
  }

  private wake(): void {
    for (const wake of this.waiting) wake();
    this.waiting.clear();
  }

  static async start(entry: string, environment: NodeJS.ProcessEnv = {}): Promise<EngineUnderTest> {
    const child = fork(entry, [], {
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: { ...process.env, RESGEN_THREADS: '1', ...environment },
    });
    const engine = new EngineUnderTest(child);
    await engine.reply((reply) => reply.type === 'ready');
    return engine;
  }

  /** Anything at all, to send what the contract forbids. */
  sendRaw(message: object): void {
    this.child.send(message);
  }

  send(request: EngineRequest): void {
    this.sendRaw(request);
  }

  /** The first reply, past or to come, that passes the test. */
  async reply(wanted: (reply: EngineReply) => boolean): Promise<EngineReply> {
    for (;;) {
      const found = this.replies.find(wanted);
      if (found) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null) throw new Error('The engine process is gone.');
      await new Promise<void>((wake) => this.waiting.add(wake));
    }
  }

  /** The reply that ends the request of that id. */
  final(id: number): Promise<EngineReply> {
    return this.reply((reply) => reply.type !== 'ready' && reply.type !== 'step' && reply.id === id);
  }

  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill(signal);
    await exit;
  }
}
