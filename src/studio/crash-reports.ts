import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { type AppInfo, type CrashReport, LIMITS, ReportName, StudioError, numbers } from '../contract/index.js';
import { redact } from './redact.js';

const KEPT = numbers(LIMITS.reports).kept;

/** Not dismissed yet. In the name of the file, so that reports of a studio that can't open its database are offered too. */
const NEW = '.new.txt';
const SEEN = '.txt';

const HOSTS = { electron: 'desktop window', browser: 'browser', cli: 'command line' } as const satisfies Record<AppInfo['host'], string>;

export interface Crash {
  /** What happened, as a sentence. */
  title: string;
  error?: unknown;
  /** The end of what the process that crashed wrote. */
  lastWords?: string;
}

/** What a report says of the studio, by the time it is written. */
export interface Circumstances {
  provider: string | null;
  log: readonly string[];
}

export interface CrashReportsOptions {
  dataFolder: string;
  host: AppInfo['host'];
  version: string;
}

/**
 * Reports of errors that nobody foresaw: text files in `reports/` of the data folder, for a person to read and to send, or not. Nothing is
 * ever sent by the studio. Needs no studio, since there may be none when it is needed most.
 */
export class CrashReports {
  readonly folder: string;
  readonly #listeners = new Set<(report: CrashReport) => void>();
  /** One error that comes with every call is one report. */
  readonly #written = new Set<string>();
  #circumstances: () => Circumstances = () => ({ provider: null, log: [] });

  constructor(private readonly options: CrashReportsOptions) {
    this.folder = join(options.dataFolder, 'reports');
  }

  /** Once a studio is open, its reports say what it did before. */
  describe(circumstances: () => Circumstances): void {
    this.#circumstances = circumstances;
  }

  onWritten(listener: (report: CrashReport) => void): void {
    this.#listeners.add(listener);
  }

  /** @returns the file; null where this run has written the same report already or the folder can't be written to */
  write(crash: Crash): string | null {
    const error = describeError(crash.error);
    const key = `${crash.title}\n${error}`;
    if (this.#written.has(key)) return null;
    this.#written.add(key);
    const at = new Date();
    try {
      mkdirSync(this.folder, { recursive: true });
      const [name, file] = this.#create(at, this.#text(crash, error, at));
      this.#prune();
      for (const listener of this.#listeners) listener({ name, at: at.getTime(), title: crash.title, isNew: true });
      return file;
    } catch {
      // A full or a broken disk may be what crashed the studio.
      return null;
    }
  }

  /** Whether this error is one to report: those with a code of their own were foreseen and say what to do. */
  static unforeseen(error: unknown): boolean {
    return StudioError.from(error).code === 'internal';
  }

  list(): CrashReport[] {
    return this.#files().map(({ name, file, isNew }) => ({ name, at: timeOf(name), title: titleOf(file), isNew }));
  }

  /** @throws StudioError `not-found` */
  read(name: string): string {
    const found = this.#files().find((report) => report.name === name);
    if (!found) throw new StudioError('not-found', 'There is no such report. Only the newest are kept.');
    return readFileSync(found.file, 'utf8');
  }

  /** Where a report that was just written is. */
  fileOf(name: string): string {
    return join(this.folder, name + NEW);
  }

  dismiss(): void {
    for (const { name, file, isNew } of this.#files()) if (isNew) renameSync(file, join(this.folder, name + SEEN));
  }

  #text({ title, lastWords }: Crash, error: string, at: Date): string {
    const { host, version } = this.options;
    const { provider, log } = this.#circumstances();
    const { electron } = process.versions as { electron?: string };
    const facts = [
      ['When', at.toISOString()],
      ['Studio', `ResGen Studio ${version}, ${HOSTS[host]}`],
      ['System', `${os.platform()} ${os.release()} ${os.arch()}, ${Math.round(os.totalmem() / 2 ** 30)} GiB of memory`],
      ['Runs on', `Node ${process.versions.node}${electron === undefined ? '' : `, Electron ${electron}`}`],
      ['Provider', provider ?? 'none yet'],
    ];
    const parts: [string, string][] = [
      ['Error', error],
      ['Last words of the process', (lastWords ?? '').trim()],
      ['Last lines of the log', log.join('\n')],
    ];
    return [
      title,
      'This report was written on this machine and was sent to nobody.',
      'Read it before you send it: it should hold nothing that you typed, named or made.',
      '',
      ...facts.map(([name = '', value = '']) => `${name.padEnd(10)}${value}`),
      ...parts.flatMap(([name, text]) => (text === '' ? [] : ['', name, redact(text, this.options.dataFolder)])),
      '',
    ].join('\n');
  }

  #create(at: Date, text: string): [name: string, file: string] {
    for (let ms = at.getTime(); ; ms++) {
      const name = new Date(ms).toISOString().replaceAll(/[:.]/g, '-');
      const file = join(this.folder, name + NEW);
      try {
        writeFileSync(file, text, { flag: 'wx' });
        return [name, file];
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      }
    }
  }

  #prune(): void {
    for (const { file } of this.#files().slice(KEPT)) rmSync(file, { force: true });
  }

  /** Newest first. */
  #files(): { name: string; file: string; isNew: boolean }[] {
    let entries: string[];
    try {
      entries = readdirSync(this.folder);
    } catch {
      return [];
    }
    return entries
      .flatMap((entry) => {
        const isNew = entry.endsWith(NEW);
        const name = entry.slice(0, -(isNew ? NEW : SEEN).length);
        return entry.endsWith(SEEN) && ReportName.safeParse(name).success ? [{ name, file: join(this.folder, entry), isNew }] : [];
      })
      .sort((a, b) => (a.name < b.name ? 1 : -1));
  }
}

/** With the causes that it names, as Node prints them. */
function describeError(error: unknown): string {
  if (error === undefined) return '';
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? error.message;
  return error.cause === undefined ? own : `${own}\nCaused by: ${describeError(error.cause)}`;
}

function timeOf(name: string): number {
  const [day = '', time = ''] = name.split('T');
  const [hours, minutes, seconds, ms] = time.slice(0, -1).split('-');
  return Date.parse(`${day}T${hours}:${minutes}:${seconds}.${ms}Z`) || 0;
}

function titleOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').split('\n', 1)[0]?.trim() || 'The studio met an error.';
  } catch {
    return 'The studio met an error.';
  }
}
