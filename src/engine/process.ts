import os from 'node:os';
import { parentPort } from './port.js';
import { RequestHandler } from './request-handler.js';

/**
 * Entry of the engine process: `utilityProcess.fork` in Electron, `child_process.fork` elsewhere. Speaks `contract/engine.ts`.
 * `RESGEN_THREADS` limits the CPU threads of one operator, `RESGEN_REMOTE` names inference servers.
 */
const port = parentPort();
if (port) {
  if (port.besideWindow) lowerPriority();
  const handler = new RequestHandler({
    post: (reply) => port.post(reply),
    threads: threadsFromEnvironment(),
    remote: process.env['RESGEN_REMOTE'],
  });
  port.onMessage((message) => handler.receive(message));
  port.post({ type: 'ready' });
} else {
  process.stderr.write('This is the engine process of ResGen Studio: the studio starts it. Run `resgen --help` for the command line.\n');
  process.exitCode = 2;
}

/** The window and its compositor go first: sampling then takes every core that they leave, and they don't stutter. */
function lowerPriority(): void {
  try {
    os.setPriority(os.constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Some systems forbid it; pictures are then made at the same priority as everything else.
  }
}

function threadsFromEnvironment(): number | undefined {
  const threads = Number(process.env['RESGEN_THREADS']);
  return Number.isInteger(threads) && threads > 0 ? threads : undefined;
}
