import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { LAST_WORDS, type SpawnEngine } from '../contract/index.js';

/**
 * glibc gives every few threads an arena of their own to allocate from, and memory that is free in one is not used by another. Node takes turns
 * with its threads, so a process that works all day grew by a tenth until all had been through everything; with two arenas it stays as it is.
 * The C library reads this when a process starts; others than glibc do not know it.
 */
const FEW_ARENAS = { MALLOC_ARENA_MAX: '2' } as const;

/**
 * The engine process under plain Node: for the server and the command line. `entry` is the built `engine.js`.
 * The child leads its own process group, so that Ctrl-C in a shell reaches only the host, which then ends it in order; it ends by itself
 * when the channel to the host is gone. GPU libraries are talkative: what the process says is shown only if it crashes.
 */
export function nodeEngine(entry: string): SpawnEngine {
  return () => {
    const child = fork(entry, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [],
      env: { ...FEW_ARENAS, ...process.env },
      detached: process.platform !== 'win32',
    });
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-LAST_WORDS)));
    let killed = false;
    let exitReason: string | undefined;
    const exitListeners: ((reason: string) => void)[] = [];
    const exited = (reason: string): void => {
      if (exitReason !== undefined) return;
      exitReason = reason;
      for (const listener of exitListeners) listener(reason);
    };
    child.on('exit', (code, signal) => {
      if (!killed && code !== 0) process.stderr.write(said);
      exited(signal ? `signal ${signal}` : `code ${code}`);
    });
    // Also the failure to start at all, after which there is no exit.
    child.on('error', (error) => {
      if (child.pid === undefined) exited(error.message);
    });
    return {
      post: (request) => {
        // Sending to a process that has just died fails by event too; the exit says the rest.
        if (child.connected) child.send(request, () => undefined);
      },
      onMessage: (listener) => void child.on('message', listener),
      onExit: (listener) => {
        if (exitReason === undefined) exitListeners.push(listener);
        else listener(exitReason);
      },
      kill: () => {
        killed = true;
        child.kill('SIGKILL');
      },
      pid: child.pid,
      lastWords: () => said,
      residentBytes: () => residentBytes(child.pid),
    };
  };
}

/** Only Linux tells of another process without starting a third. */
function residentBytes(pid: number | undefined): number | null {
  if (process.platform !== 'linux' || pid === undefined) return null;
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024 || null;
  } catch {
    return null;
  }
}
