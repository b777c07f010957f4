import { StudioError } from '../contract/index.js';

export const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** Results, for people a line each, or JSON a line each. */
export function printResult(json: boolean, value: object, text: string): void {
  process.stdout.write(`${json ? JSON.stringify(value) : text}\n`);
}

export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Says what went wrong and gives the exit code for it. */
export function fail(error: unknown): number {
  const { code, message } = StudioError.from(error);
  note(message);
  if (code === 'cancelled') return exitCodes.interrupted;
  return code === 'bad-request' || code === 'no-consent' ? exitCodes.usage : exitCodes.failed;
}

const SPARSE_MS = 10_000;

/** Progress on stderr: one line that changes on a terminal, elsewhere a line now and then. */
export class ProgressLine {
  readonly #terminal = process.stderr.isTTY;
  #lastLine = 0;

  show(text: string): void {
    if (this.#terminal) process.stderr.write(`\r\u001b[2K${text.slice(0, process.stderr.columns - 1)}`);
    else if (Date.now() - this.#lastLine >= SPARSE_MS) {
      this.#lastLine = Date.now();
      note(text);
    }
  }

  /** Before anything else is written. */
  clear(): void {
    if (this.#terminal) process.stderr.write('\r\u001b[2K');
  }
}

export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** Columns as wide as their widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>((all, row) => row.map((cell, i) => Math.max(all[i] ?? 0, cell.length)), []);
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
