/** The part of electron-updater that matters here. */
export interface Updater {
  autoDownload: boolean;
  autoInstallOnAppQuit: boolean;
  checkForUpdates(): Promise<{ isUpdateAvailable: boolean; updateInfo: { version: string } } | null>;
  downloadUpdate(): Promise<unknown>;
}

export interface UpdateParts {
  updater: Updater;
  /** Whether the person wants it. */
  ask(version: string): Promise<boolean>;
  tell(type: 'info' | 'error', message: string): Promise<void>;
}

/**
 * Looks for a newer version, and downloads it only where the person says so; it is put in place when the studio closes.
 * @param asked whether the person looks, and so wants to hear that there is none, or that it could not be found out
 */
export async function offerUpdate({ updater, ask, tell }: UpdateParts, asked: boolean): Promise<void> {
  updater.autoDownload = false;
  updater.autoInstallOnAppQuit = true;
  try {
    const found = await updater.checkForUpdates();
    if (!found?.isUpdateAvailable) {
      if (asked) await tell('info', 'This is the newest version.');
      return;
    }
    const { version } = found.updateInfo;
    if (!(await ask(version))) return;
    await updater.downloadUpdate();
    await tell('info', `Version ${version} is here. It is put in place when you close the studio.`);
  } catch (error) {
    // At a start without a network this is no news.
    if (!asked) return;
    const why = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error);
    await tell('error', `The update could not be had (${why}). Check the network, then try again.`);
  }
}
