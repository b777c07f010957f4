import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { app, dialog } from 'electron';
import { StudioError } from '../contract/index.js';

/** Tells `scripts/start.mjs` that the person has read why the studio ended. */
const EXIT_CODE = 70;

/**
 * Says in a sentence that the studio could not start or had to stop, leaves a report with the details beside the logs, and offers to open
 * it again. Ends the process.
 */
export function stopWithReport(error: unknown): void {
  const { message, code } = StudioError.from(error);
  const report = writeReport(error);
  const detail = report
    ? `Your pictures and jobs are kept. A report for the developers is in ${report}.`
    : 'Your pictures and jobs are kept.';
  console.error(`ResGen Studio stopped: ${message}`);
  // Errors with a code of their own already say what to do; opening again would only meet them again.
  const buttons = code === 'internal' ? ['Reopen', 'Quit'] : ['Quit'];
  const response = dialog.showMessageBoxSync({
    type: 'error',
    title: 'ResGen Studio',
    message: `ResGen Studio stopped: ${message}`,
    detail,
    buttons,
  });
  if (buttons[response] === 'Reopen') app.relaunch();
  app.exit(EXIT_CODE);
}

function writeReport(error: unknown): string | null {
  const folder = app.getPath('logs');
  const file = path.join(folder, `stopped-${new Date().toISOString().replaceAll(':', '-')}.txt`);
  const lines = [
    `ResGen Studio ${app.getVersion()}, Electron ${process.versions.electron}, ${os.platform()} ${os.release()} ${os.arch()}`,
    new Date().toISOString(),
    error instanceof Error ? (error.stack ?? error.message) : String(error),
  ];
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, `${lines.join('\n')}\n`);
    return file;
  } catch {
    return null;
  }
}
