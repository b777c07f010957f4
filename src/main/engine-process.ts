import path from 'node:path';
import { app, utilityProcess } from 'electron';
import { type EngineProcess, LAST_WORDS } from '../contract/index.js';

/** Variables that onnxruntime, its GPU providers and the C library read. Anything else, a person's tokens above all, stays here. */
const PASSED_ON =
  /^(PATH|HOME|USERPROFILE|(LOCAL)?APPDATA|TMPDIR|TE?MP|SystemRoot|windir|LANG|LC_.*|LD_LIBRARY_PATH|XDG_.*|VK_.*|CUDA_.*|NVIDIA_.*|ORT_.*|RESGEN_.*|OMP_.*)$/i;

const KILL_AFTER_MS = 2000;

/** Starts the engine in one of Electron's utility processes. */
export function spawnEngine(): EngineProcess {
  const child = utilityProcess.fork(path.join(import.meta.dirname, 'engine.js'), [], {
    serviceName: 'ResGen engine',
    env: scrubbed(process.env),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-LAST_WORDS);
    process.stderr.write(text);
  });
  let exitReason: string | undefined;
  let killTimer: NodeJS.Timeout | undefined;
  const exitListeners: ((reason: string) => void)[] = [];
  child.once('exit', (code) => {
    clearTimeout(killTimer);
    exitReason = describeExit(code);
    for (const listener of exitListeners) listener(exitReason);
  });
  return {
    post: (request) => child.postMessage(request),
    onMessage: (listener) => void child.on('message', listener),
    onExit: (listener) => {
      if (exitReason === undefined) exitListeners.push(listener);
      else listener(exitReason);
    },
    kill: () => {
      if (exitReason !== undefined || killTimer) return;
      const { pid } = child;
      child.kill();
      // A process deep inside a graph does not hear the polite signal.
      killTimer = setTimeout(() => {
        if (pid !== undefined) process.kill(pid, 'SIGKILL');
      }, KILL_AFTER_MS);
    },
    get pid() {
      return child.pid;
    },
    lastWords: () => said,
    residentBytes: () => {
      const metric = app.getAppMetrics().find(({ pid }) => pid === child.pid);
      // Electron counts in KiB.
      return metric ? metric.memory.workingSetSize * 1024 : null;
    },
  };
}

/** On POSIX, Electron hands on what waitpid said: an exit code, or the number of the signal that ended the process. */
function describeExit(code: number): string {
  if (code === 0) return 'code 0';
  if (process.platform !== 'win32' && code === 9) return 'signal SIGKILL';
  if (process.platform !== 'win32' && code === 15) return 'signal SIGTERM';
  return `code ${code}`;
}

function scrubbed(environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined && PASSED_ON.test(entry[0])),
  );
}
