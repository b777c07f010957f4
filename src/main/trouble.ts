import path from 'node:path';
import { app, dialog } from 'electron';
import { StudioError } from '../contract/index.js';
import { CrashReports } from '../studio/crash-reports.js';
import { dataFolder } from '../studio/data-folder.js';

/** Tells `scripts/start.mjs` that the person has read why the studio ended. */
const EXIT_CODE = 70;

/** Reports of this run. Made before the studio, which may be what fails. */
export function openReports(given: string | null): CrashReports {
  return new CrashReports({ dataFolder: reportsPlace(given), host: 'electron', version: app.getVersion() });
}

function reportsPlace(given: string | null): string {
  if (given !== null) return given;
  try {
    return dataFolder();
  } catch {
    // The data folder is on a disk that is not there, which the studio is about to say.
    return path.join(app.getPath('userData'), 'studio');
  }
}

/**
 * Says in a sentence that the studio could not start or had to stop, and offers to open it again. What nobody foresaw leaves a report, which
 * the next start offers. Ends the process.
 */
export function stopWithReport(reports: CrashReports, error: unknown): void {
  const { message, code } = StudioError.from(error);
  const file = code === 'internal' ? reports.write({ title: 'The studio stopped.', error }) : null;
  console.error(`ResGen Studio stopped: ${message}`);
  // Errors with a code of their own already say what to do; opening again would only meet them again.
  const buttons = code === 'internal' ? ['Reopen', 'Quit'] : ['Quit'];
  const response = dialog.showMessageBoxSync({
    type: 'error',
    title: 'ResGen Studio',
    message: `ResGen Studio stopped: ${message}`,
    detail: `Your pictures and jobs are kept.${file === null ? '' : ` A report is in ${file}; it was sent to nobody.`}`,
    buttons,
  });
  if (buttons[response] === 'Reopen') app.relaunch();
  app.exit(EXIT_CODE);
}
