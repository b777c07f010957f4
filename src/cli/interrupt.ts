import { StudioError } from '../contract/index.js';
import { exitCodes } from './output.js';

/** First Ctrl-C: stop in order. Second: at once. Returns the function that ends the watch. */
export function onInterrupt(stop: () => void): () => void {
  let asked = false;
  const listener = (): void => {
    if (asked) process.exit(exitCodes.interrupted);
    asked = true;
    stop();
  };
  process.on('SIGINT', listener).on('SIGTERM', listener);
  return () => process.off('SIGINT', listener).off('SIGTERM', listener);
}

/**
 * What `work` comes to, unless Ctrl-C comes first. The studio behind it is then closed over its head, which ends its calls.
 * @throws StudioError `cancelled`
 */
export async function unlessInterrupted<T>(work: () => Promise<T>): Promise<T> {
  let stopWatching = (): void => undefined;
  const interrupted = new Promise<never>((_resolve, reject) => {
    stopWatching = onInterrupt(() => reject(new StudioError('cancelled', 'Stopped. Nothing was written.')));
  });
  try {
    return await Promise.race([work(), interrupted]);
  } finally {
    stopWatching();
  }
}
