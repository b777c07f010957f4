import { existsSync } from 'node:fs';
import path from 'node:path';
import { app, dialog, type BrowserWindow } from 'electron';
import { offerUpdate } from './update-rules.js';

/**
 * Updates are off until a feed is set: electron-builder writes this file beside the application only where `electron-builder.yml` has a
 * `publish` entry. Without it nothing of this is even loaded, and the studio never asks anybody for anything.
 */
const hasFeed = (): boolean => app.isPackaged && existsSync(path.join(process.resourcesPath, 'app-update.yml'));

/** @returns what looks for an update when the person wants it, or null where there is no feed */
export function updates(window: () => BrowserWindow | undefined): ((asked: boolean) => Promise<void>) | null {
  if (!hasFeed()) return null;
  return async (asked) => {
    const over = window();
    if (!over || over.isDestroyed()) return;
    const { default: updater } = await import('electron-updater');
    const ask = async (version: string): Promise<boolean> => {
      const { response } = await dialog.showMessageBox(over, {
        type: 'question',
        message: `ResGen Studio ${version} is available. Download it?`,
        detail: `You have ${app.getVersion()}. The new one is put in place when you close the studio; your library stays as it is.`,
        buttons: ['Download', 'Not Now'],
        defaultId: 0,
        cancelId: 1,
      });
      return response === 0;
    };
    const tell = async (type: 'info' | 'error', message: string): Promise<void> => {
      if (!over.isDestroyed()) await dialog.showMessageBox(over, { type, message, buttons: ['OK'] });
    };
    await offerUpdate({ updater: updater.autoUpdater, ask, tell }, asked);
  };
}
