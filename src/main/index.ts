import path from 'node:path';
import { app, nativeTheme, powerMonitor, shell, type BrowserWindow } from 'electron';
import { StudioError } from '../contract/index.js';
import type { Studio } from '../studio/index.js';
import { spawnEngine } from './engine-process.js';
import { answerCalls, sendEvent } from './ipc.js';
import { showJobsOutside } from './job-signals.js';
import { libraryMenu } from './library-menu.js';
import { setMenu } from './menu.js';
import { nativeEncoder } from './native-pictures.js';
import { restWhileAsleep } from './power.js';
import { serveStudio } from './protocol.js';
import { guardContents, guardSession, registerScheme } from './security.js';
import { openReports, stopWithReport } from './trouble.js';
import { updates } from './updates.js';
import { useWasmSharpOnLinux } from './wasm-sharp.js';
import { openWindow } from './window.js';

/** Set by electron-vite's development command only. */
const devServer = app.isPackaged ? null : (process.env['ELECTRON_RENDERER_URL'] ?? null);

let window: BrowserWindow | undefined;

// GTK would load an OpenGL driver as it starts, which is 25 MB with Mesa. Only dialogs are GTK's here, and they draw without.
process.env['GDK_GL'] ??= 'disable';

app.setName('ResGen Studio');
// A user-data folder given on the command line takes everything with it, so that a trial or a test leaves nothing behind.
const given = app.commandLine.hasSwitch('user-data-dir') ? path.join(app.getPath('userData'), 'studio') : null;
const reports = openReports(given);
const stop = (error: unknown): void => stopWithReport(reports, error);
process.on('uncaughtException', stop);
process.on('unhandledRejection', stop);

registerScheme();
app.on('web-contents-created', (_event, contents) => guardContents(contents));
app.on('window-all-closed', () => app.quit());

// Two processes on one data folder would fight over its jobs: the second hands over to the first and leaves.
if (app.requestSingleInstanceLock()) {
  app.on('second-instance', () => {
    if (window?.isMinimized()) window.restore();
    window?.focus();
  });
  // Not awaited at the top: Electron is ready only once this module has run.
  void app.whenReady().then(start).catch(stop);
} else {
  app.quit();
}

/**
 * The window comes first: its process starts and reads its page while this one loads the studio and opens the library. Until that is done, what the
 * page asks for waits.
 */
async function start(): Promise<void> {
  useWasmSharpOnLinux();
  const opening = openStudio();
  const themed = opening.then(followTheme);
  closeBeforeQuitting(opening);
  guardSession(devServer);
  serveStudio(opening, devServer);
  answerCalls(opening);
  const stateFile = path.join(app.getPath('userData'), 'window.json');
  const opened = openWindow({ stateFile, unfinished: async () => (await opening).unfinished(), themed, reports });
  window = opened;

  const studio = await opening;
  studio.subscribe((event) => sendEvent(opened, event));
  showJobsOutside(studio, opened);
  restWhileAsleep(powerMonitor, studio);
  const lookForUpdate = updates(() => window);
  const info = await studio.call('app.info', null);
  const dataFolder = info.ok ? info.value.dataFolder : null;
  if (dataFolder !== null) {
    const look = lookForUpdate && (() => void lookForUpdate(true));
    setMenu(
      dataFolder,
      libraryMenu({ studio, dataFolder, remember: given === null, version: app.getVersion(), window: () => window }),
      look,
    );
  }
  // What is wrong with the model is told when somebody asks for a picture.
  void studio.warmUp().catch(() => undefined);
  void lookForUpdate?.(false);
}

async function openStudio(): Promise<Studio> {
  // By its own name, because the room's index brings what other hosts need as well.
  const { createStudio } = await import('../studio/studio.js');
  return createStudio({
    host: 'electron',
    version: app.getVersion(),
    modelFolders: modelFolders(),
    spawnEngine,
    encoder: nativeEncoder,
    ...(given !== null && { dataFolder: given }),
    reports,
    g2pFile: path.join(app.isPackaged ? process.resourcesPath : path.join(app.getAppPath(), 'resources'), 'text', 'g2p.bin'),
    licencesFile: path.join(import.meta.dirname, 'licences.json'),
    chromiumNotices: { file: chromiumNotices(), version: process.versions.chrome },
    openFolder,
  });
}

/** Beside Electron's binary; packages for macOS have it inside. */
function chromiumNotices(): string {
  const folder = process.platform === 'darwin' ? process.resourcesPath : path.dirname(process.execPath);
  return path.join(folder, 'LICENSES.chromium.html');
}

/** Where packages are looked for besides the data folder: what ships, or what `RESGEN_MODELS` says instead. */
function modelFolders(): string[] {
  const given = process.env['RESGEN_MODELS'];
  if (given) return given.split(path.delimiter);
  return [app.isPackaged ? path.join(process.resourcesPath, 'models') : path.join(app.getAppPath(), 'resources', 'models')];
}

async function openFolder(folder: string): Promise<void> {
  const problem = await shell.openPath(folder);
  if (problem !== '') throw new StudioError('refused', `The system could not open ${folder} (${problem}). Open it in your file manager.`);
}

/** The window's frame and its background follow the studio's setting, as the page does. */
async function followTheme(studio: Studio): Promise<void> {
  const settings = await studio.call('settings.get', null);
  if (settings.ok) nativeTheme.themeSource = settings.value.theme;
  studio.subscribe((event) => {
    if (event.name === 'settings') nativeTheme.themeSource = event.payload.theme;
  });
}

function closeBeforeQuitting(opening: Promise<Studio>): void {
  let closed = false;
  app.on('will-quit', (event) => {
    if (closed) return;
    event.preventDefault();
    void opening
      .then((studio) => studio.close())
      .finally(() => {
        closed = true;
        app.quit();
      });
  });
}
