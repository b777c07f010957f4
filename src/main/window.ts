import path from 'node:path';
import { app, BrowserWindow, dialog, nativeTheme } from 'electron';
import type { CrashReports } from '../studio/crash-reports.js';
import { type Unfinished, closingQuestion } from './closing.js';
import { ORIGIN, webPreferences } from './security.js';
import { loadWindowState, MIN_SIZE, saveWindowState } from './window-state.js';

/** The page's own background, so that the window does not flash before the page is drawn. */
const BACKGROUND = { light: '#f7f7f8', dark: '#17181b' } as const;

export interface WindowOptions {
  stateFile: string;
  /** What closing would interrupt; asked when the person closes the window. */
  unfinished: () => Promise<Unfinished>;
  /** Settled when the theme that the person has chosen is known. */
  themed: Promise<void>;
  reports: CrashReports;
}

/** Opens the studio's window. It shows itself once its page is drawn in its theme. */
export function openWindow({ stateFile, unfinished, themed, reports }: WindowOptions): BrowserWindow {
  const { maximized, ...bounds } = loadWindowState(stateFile);
  const window = new BrowserWindow({
    ...bounds,
    minWidth: MIN_SIZE.width,
    minHeight: MIN_SIZE.height,
    title: 'ResGen Studio',
    backgroundColor: background(),
    show: false,
    webPreferences: webPreferences(path.join(import.meta.dirname, '..', 'preload', 'index.cjs')),
  });
  const drawn = new Promise<void>((resolve) => window.once('ready-to-show', resolve));
  // A studio that can't be opened says so in a dialog of its own, and no window comes.
  void Promise.all([drawn, themed]).then(
    () => {
      if (window.isDestroyed()) return;
      window.setBackgroundColor(background());
      // Which shows it too, so not before there is something to see.
      if (maximized) window.maximize();
      window.show();
    },
    () => undefined,
  );
  askBeforeClosing(window, stateFile, unfinished);
  offerToReopen(window, reports);
  void window.loadURL(`${ORIGIN}/`);
  return window;
}

function background(): string {
  return nativeTheme.shouldUseDarkColors ? BACKGROUND.dark : BACKGROUND.light;
}

function askBeforeClosing(window: BrowserWindow, stateFile: string, unfinished: WindowOptions['unfinished']): void {
  let decided = false;
  window.on('close', (event) => {
    if (decided) return saveWindowState(stateFile, window);
    event.preventDefault();
    void mayClose(window, unfinished).then((yes) => {
      decided = yes;
      if (yes) window.close();
    });
  });
}

async function mayClose(window: BrowserWindow, unfinished: WindowOptions['unfinished']): Promise<boolean> {
  const question = closingQuestion(await unfinished());
  if (question === null) return true;
  const { response } = await dialog.showMessageBox(window, {
    type: 'question',
    ...question,
    buttons: ['Close', 'Keep Open'],
    defaultId: 1,
    cancelId: 1,
  });
  return response === 0;
}

function offerToReopen(window: BrowserWindow, reports: CrashReports): void {
  window.webContents.on('render-process-gone', (_event, { reason, exitCode }) => {
    if (reason === 'clean-exit') return;
    reports.write({ title: `The window's process stopped (${reason}, code ${exitCode}).` });
    void dialog
      .showMessageBox(window, {
        type: 'error',
        message: `The window stopped working (${reason}).`,
        detail: 'Your pictures and jobs are safe: they are kept by another process.',
        buttons: ['Reopen', 'Quit'],
        defaultId: 0,
        cancelId: 0,
      })
      .then(({ response }) => (response === 0 ? window.webContents.reload() : app.quit()));
  });
}
