import type { CallName, ParamsInput, Reply, Result } from '../contract/index.js';

/** The part of Electron's powerMonitor that matters here. */
export interface PowerEvents {
  on(event: 'suspend' | 'resume', listener: () => void): unknown;
}

interface Calls {
  call<N extends CallName>(name: N, params: ParamsInput<N>): Promise<Reply<Result<N>>>;
}

/**
 * Pauses the running job when the machine goes to sleep, between two steps, and resumes it when it wakes: a GPU that lost its power in the
 * middle of a graph may take the engine process with it. Jobs that the person paused stay paused.
 */
export function pauseWhileAsleep(power: PowerEvents, studio: Calls): void {
  let slept: string | null = null;
  // One after the other: the machine may sleep before the pause is through, and wake again.
  let turn: Promise<void> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): void => {
    turn = turn.then(work);
  };
  power.on('suspend', () =>
    inTurn(async () => {
      const jobs = await studio.call('jobs.list', null);
      const running = jobs.ok ? jobs.value.find(({ state }) => state === 'running') : undefined;
      if (!running) return;
      const paused = await studio.call('jobs.pause', { id: running.id });
      // It may have ended meanwhile.
      if (paused.ok && paused.value.state === 'paused') slept = running.id;
    }),
  );
  power.on('resume', () =>
    inTurn(async () => {
      if (slept === null) return;
      const id = slept;
      slept = null;
      // Refused where the person has cancelled or resumed it since, which is as they want it.
      await studio.call('jobs.resume', { id });
    }),
  );
}
