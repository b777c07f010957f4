import { setTimeout as delay } from 'node:timers/promises';
import { StudioError } from '../../contract/errors.js';
import { clientOf } from './clients.js';
import { REMOTE_LIMITS } from './limits.js';
import { type InferenceClient, RemoteFailure } from './protocol.js';

interface Replica {
  client: InferenceClient;
  running: number;
  /** Failures in a row. */
  failures: number;
  /** Left alone until then (`performance.now`). */
  restsUntil: number;
  lastProblem: string;
}

/**
 * Servers with the same models. A request goes to the one that is least busy; what fails goes to another one, which changes no result,
 * because the graphs have no state and get their noise from here. A server that failed rests, and is asked whether it is ready before it
 * gets work again.
 */
export class Replicas {
  readonly #replicas: Replica[];

  constructor(addresses: readonly string[], inferMs: number = REMOTE_LIMITS.inferMs) {
    this.#replicas = addresses.map((address) => ({
      client: clientOf(address, inferMs),
      running: 0,
      failures: 0,
      restsUntil: 0,
      lastProblem: '',
    }));
  }

  /** How many servers would get work now; at least 1. */
  get healthy(): number {
    return Math.max(1, this.#replicas.filter((replica) => replica.failures === 0).length);
  }

  /** @throws StudioError `refused` where no server does it in time, `bad-model` where one refuses the request itself */
  async run<T>(model: string, work: (client: InferenceClient) => Promise<T>, givingUpMs: number = REMOTE_LIMITS.givingUpMs): Promise<T> {
    const giveUpAt = performance.now() + givingUpMs;
    while (performance.now() < giveUpAt) {
      const replica = await this.#take(model, giveUpAt);
      try {
        if (replica.failures > 0) await replica.client.checkReady(model);
        const result = await work(replica.client);
        replica.failures = 0;
        return result;
      } catch (error) {
        if (!(error instanceof RemoteFailure)) throw error;
        if (!error.again) throw refusal(replica, model, error);
        rest(replica, error);
      } finally {
        replica.running--;
      }
    }
    throw this.#noneAnswers();
  }

  /** Gives every connection back. */
  close(): void {
    for (const { client } of this.#replicas) client.close();
  }

  /** Counts a request for the least busy of those that do not rest; where all rest, for the first that wakes. */
  async #take(model: string, giveUpAt: number): Promise<Replica> {
    for (;;) {
      const now = performance.now();
      const awake = this.#replicas.filter(({ restsUntil }) => restsUntil <= now).sort((a, b) => a.running - b.running);
      const well = awake.filter(({ failures }) => failures === 0);
      // Nobody waits for one that may still be gone while another can do the work.
      if (well.length > 0) for (const replica of awake) if (replica.failures > 0) void recheck(replica, model);
      const chosen = well[0] ?? awake[0];
      if (chosen) {
        // At once, so that requests made together spread.
        chosen.running++;
        return chosen;
      }
      const first = Math.min(...this.#replicas.map(({ restsUntil }) => restsUntil));
      if (first > giveUpAt) throw this.#noneAnswers();
      await delay(first - now);
    }
  }

  #noneAnswers(): StudioError {
    const problems = this.#replicas.map(({ client, lastProblem }) => `${client.address}: ${lastProblem || 'busy'}`).join('; ');
    return new StudioError(
      'refused',
      `No inference server did the work (${problems}). Check that they run, then retry; everything finished so far is kept.`,
    );
  }
}

/** Asks one that has rested whether it is ready; until it has answered it rests on. */
async function recheck(replica: Replica, model: string): Promise<void> {
  replica.restsUntil = performance.now() + REMOTE_LIMITS.askMs;
  try {
    await replica.client.checkReady(model);
    replica.failures = 0;
    replica.restsUntil = 0;
  } catch (error) {
    if (error instanceof RemoteFailure) rest(replica, error);
  }
}

function rest(replica: Replica, { message }: RemoteFailure): void {
  const ms = Math.min(REMOTE_LIMITS.longestRestMs, REMOTE_LIMITS.firstRestMs * 2 ** replica.failures);
  replica.failures++;
  replica.restsUntil = performance.now() + ms;
  replica.lastProblem = message;
}

function refusal({ client }: Replica, model: string, cause: RemoteFailure): StudioError {
  const advice = 'Export the package again with “resgen export-repository” and let the server load it.';
  return new StudioError('bad-model', `The inference server ${client.address} can't run “${model}”: ${cause.message}. ${advice}`, {
    cause,
  });
}
