import type { Studio } from '../studio/index.js';

/** The part of Electron's powerMonitor that matters here. */
export interface PowerEvents {
  on(event: 'suspend' | 'resume', listener: () => void): unknown;
}

/**
 * Stops the running job when the machine goes to sleep, between two steps, and goes on when it wakes: a GPU that lost its power in the middle
 * of a graph may take the engine process with it. Jobs that the person paused stay paused.
 */
export function restWhileAsleep(power: PowerEvents, studio: Pick<Studio, 'sleep' | 'wake'>): void {
  power.on('suspend', () => void studio.sleep());
  power.on('resume', () => studio.wake());
}
