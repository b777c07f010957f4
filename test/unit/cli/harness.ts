import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from '../studio/support.js';

/** The folder with the tiny package. */
export const FIXTURES = resolve(import.meta.dirname, '..', '..', 'fixtures', 'models');

interface Finished {
  code: number | null;
  out: string;
  err: string;
}

export interface Started extends Pick<Promise<Finished>, 'then'> {
  child: ChildProcess;
  /** Resolves with what it printed there once that matches. */
  says(pattern: RegExp, where?: 'stdout' | 'stderr'): Promise<string>;
}

/** `resgen` as a real process, over the tiny package and a data folder of its own. */
export function startResgen(cli: string, args: string[], environment: Record<string, string> = {}): Started {
  const child = spawn(process.execPath, [cli, ...args], {
    env: { ...process.env, RESGEN_MODELS: FIXTURES, RESGEN_DATA: temporaryFolder(), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const finished = new Promise<Finished>((done) => child.on('close', (code) => done({ code, out, err })));
  return {
    child,
    says: (pattern, where = 'stdout') =>
      new Promise((done, fail) => {
        const look = (): void => {
          const said = where === 'stdout' ? out : err;
          if (pattern.test(said)) done(said);
        };
        child[where].on('data', look);
        look();
        void finished.then(({ err: said }) => fail(new Error(`it ended without saying ${String(pattern)}: ${said}`)));
      }),
    then: finished.then.bind(finished),
  };
}
