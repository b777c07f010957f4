import { appendFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { type Job, LIMITS, type StudioEvent, numbers } from '../contract/index.js';

const { logBytes, logLines } = numbers(LIMITS.reports);

const OPENED = 'studio opened';
const CLOSED = 'studio closed';

/**
 * What the studio did, a line each, in `logs/studio.log` of the data folder: only states, numbers, ids and codes, never what a person typed,
 * named or made. Crash reports end with it. A log that can't be written must not stop the studio: its last lines are kept in memory as well.
 */
export class StudioLog {
  readonly #file: string;
  #lines: string[];
  #bytes: number;
  #closed = false;
  /** Whether the studio that wrote here before this one went without closing, while the machine went on. */
  readonly endedBadly: boolean;

  /** Only one studio at a time may have a folder's log: open its database first. */
  constructor(dataFolder: string) {
    this.#file = join(dataFolder, 'logs', 'studio.log');
    this.#lines = lastLines(this.#file);
    this.#bytes = statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0;
    this.endedBadly = endedBadly(this.#lines.at(-1));
  }

  opened(about: string): void {
    this.write(`${OPENED}: ${about}`);
  }

  /** The last line: what is told of a studio that has closed, its engine process ending for one, is left out. */
  closed(): void {
    this.write(CLOSED);
    this.#closed = true;
  }

  write(text: string): void {
    if (this.#closed) return;
    const line = `${new Date().toISOString()} ${text.replaceAll(/\s+/g, ' ')}`;
    this.#lines = [...this.#lines.slice(1 - logLines), line];
    try {
      this.#append(line);
    } catch {
      // See above.
    }
  }

  /** The last lines, oldest first. */
  tail(): readonly string[] {
    return this.#lines;
  }

  #append(line: string): void {
    this.#bytes += Buffer.byteLength(line) + 1;
    if (this.#bytes <= logBytes && this.#bytes > Buffer.byteLength(line) + 1) return appendFileSync(this.#file, `${line}\n`);
    const text = `${this.#lines.join('\n')}\n`;
    mkdirSync(join(this.#file, '..'), { recursive: true });
    writeFileSync(this.#file, text);
    this.#bytes = Buffer.byteLength(text);
  }
}

function lastLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-logLines);
  } catch {
    return [];
  }
}

/** A machine that started after the last line was written has taken the studio with it: no error of the studio's. */
function endedBadly(last: string | undefined): boolean {
  const [, time = '', text] = /^(\S+) (.*)$/.exec(last ?? '') ?? [];
  const at = Date.parse(time);
  return text !== undefined && text !== CLOSED && at > Date.now() - os.uptime() * 1000;
}

/** What the studio tells its clients, as lines: changes of state alone. */
export function eventLines(write: (text: string) => void): (event: StudioEvent) => void {
  const jobs = new Map<string, Job['state']>();
  let engine = '';
  return ({ name, payload }) => {
    if (name === 'job') {
      const { id, state, done, total, request, endedAt } = payload;
      const batch = payload.kind === 'image' ? `, batch of ${payload.request.batch}` : '';
      if (jobs.get(id) === state) return;
      if (endedAt === null) jobs.set(id, state);
      else jobs.delete(id);
      write(`job ${id} ${state}: ${done} of ${total} done, ${request.sampling.steps} steps${batch}`);
    } else if (name === 'engine') {
      const { state, provider } = payload;
      // It turns busy and back with every batch.
      const now = `engine ${state === 'busy' || state === 'ready' ? 'loaded' : state}${provider === null ? '' : `, ${provider}`}`;
      if (now !== engine) write(now);
      engine = now;
    } else if (name === 'reportAdded') {
      write(`report ${payload.name}: ${payload.title}`);
    }
  };
}
