import path from 'node:path';
import { app, dialog, type BrowserWindow, type MenuItemConstructorOptions } from 'electron';
import { StudioError } from '../contract/index.js';
import type { Studio } from '../studio/index.js';

interface LibraryMenuOptions {
  studio: Pick<Studio, 'backUp' | 'close'>;
  dataFolder: string;
  /** Whether later starts find a moved folder by themselves; not where it was named on the command line. */
  remember: boolean;
  version: string;
  window: () => BrowserWindow | undefined;
}

const TAR = [{ name: 'Library backup', extensions: ['tar'] }];

/** Entries that back up, restore and move the library. Only here does the person choose places, so the page never learns of a path. */
export function libraryMenu({ studio, dataFolder, remember, version, window }: LibraryMenuOptions): MenuItemConstructorOptions[] {
  const entry = (label: string, work: (over: BrowserWindow) => Promise<void>): MenuItemConstructorOptions => ({
    label,
    click: () => {
      const over = window();
      if (over && !over.isDestroyed()) void work(over).catch((error: unknown) => tell(over, 'error', StudioError.from(error).message));
    },
  });
  const reopen = (): void => {
    app.relaunch();
    app.quit();
  };

  return [
    { type: 'separator' },
    entry('Back Up Library…', async (over) => {
      const day = new Date().toISOString().slice(0, 10);
      const { filePath } = await dialog.showSaveDialog(over, { defaultPath: `ResGen library ${day}.tar`, filters: TAR });
      if (!filePath) return;
      const { files } = await studio.backUp(filePath);
      await tell(over, 'info', `The library was backed up: ${files} files.`);
    }),
    entry('Restore Library…', async (over) => {
      const { filePaths } = await dialog.showOpenDialog(over, { filters: TAR, properties: ['openFile'] });
      const [file] = filePaths;
      if (file === undefined) return;
      const { stageRestore } = await import('../studio/backup.js');
      await stageRestore(file, dataFolder, version);
      await tell(over, 'info', 'The backup was read. The studio opens again now, with it in place; what is here now is kept beside it.');
      reopen();
    }),
    entry('Move Data Folder…', async (over) => {
      const { filePaths } = await dialog.showOpenDialog(over, { properties: ['openDirectory', 'createDirectory'] });
      const [parent] = filePaths;
      if (parent === undefined) return;
      const { moveDataFolder } = await import('../studio/data-folder.js');
      await studio.close();
      try {
        await moveDataFolder(dataFolder, path.join(parent, path.basename(dataFolder)), remember);
      } catch (error) {
        await tell(over, 'error', `${StudioError.from(error).message} Nothing was moved.`);
      }
      reopen();
    }),
  ];
}

async function tell(over: BrowserWindow, type: 'info' | 'error', message: string): Promise<void> {
  await dialog.showMessageBox(over, { type, message, buttons: ['OK'] });
}
