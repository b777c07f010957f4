import { app, Menu, shell, type MenuItemConstructorOptions } from 'electron';

/** The native menu: the entries people expect, with the platform's own names and accelerators. */
export function setMenu(dataFolder: string, library: MenuItemConstructorOptions[], lookForUpdate: (() => void) | null): void {
  const mac = process.platform === 'darwin';
  const openData: MenuItemConstructorOptions = { label: 'Open Data Folder', click: () => void shell.openPath(dataFolder) };
  const template: MenuItemConstructorOptions[] = [
    ...(mac ? [{ role: 'appMenu' } as const] : []),
    { label: '&File', submenu: [openData, ...library, { type: 'separator' }, mac ? { role: 'close' } : { role: 'quit' }] },
    { role: 'editMenu' },
    {
      label: '&View',
      submenu: [
        ...(app.isPackaged ? [] : ([{ role: 'reload' }, { role: 'toggleDevTools' }, { type: 'separator' }] as const)),
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { type: 'separator' },
        { role: 'togglefullscreen' },
      ],
    },
    { role: 'windowMenu' },
    {
      role: 'help',
      submenu: [
        ...(lookForUpdate ? [{ label: 'Check for Updates…', click: lookForUpdate }] : []),
        { label: 'About ResGen Studio', click: () => app.showAboutPanel() },
      ],
    },
  ];
  Menu.setApplicationMenu(Menu.buildFromTemplate(template));
}
