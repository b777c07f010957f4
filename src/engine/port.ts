import type { EngineReply } from '../contract/engine.js';

/** The one wire between the engine process and whatever started it. */
export interface Port {
  post(reply: EngineReply): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Whether the parent has a window on this machine, whose frames must come before the sampling. */
  readonly besideWindow: boolean;
}

/** What Electron's utilityProcess puts on `process`; declared here, because this room must not import Electron. */
interface ParentPort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { data: unknown }) => void): void;
}

/** The port to the parent: Electron's `utilityProcess.fork`, or Node's `child_process.fork` with `serialization: 'advanced'`. Null without a parent. */
export function parentPort(): Port | null {
  const electron = (process as { parentPort?: ParentPort }).parentPort;
  if (electron) {
    return {
      post: (reply) => electron.postMessage(reply),
      onMessage: (listener) => electron.on('message', ({ data }) => listener(data)),
      besideWindow: true,
    };
  }
  if (!process.send) return null;
  return {
    // Without a parent there is nobody to answer: what fails here is followed by 'disconnect', which ends the process.
    post: (reply) => void process.send?.(reply, undefined, undefined, () => undefined),
    onMessage: (listener) => {
      process.on('message', listener);
      process.on('disconnect', () => process.exit(0));
    },
    besideWindow: false,
  };
}
