import { ipcMain, type BrowserWindow } from 'electron';
import { channels, type Reply, type StudioEvent } from '../contract/index.js';
import { isTrustedSender } from './security.js';

/** The part of the studio that a window talks to. It checks every name and parameter against the contract itself. */
interface Callable {
  call(name: string, params: unknown): Promise<Reply<unknown>>;
}

/** Binds the contract's channels to the studio. The only file that uses `ipcMain`. */
export function answerCalls(studio: Callable): void {
  ipcMain.handle(channels.call, (event, name: unknown, params: unknown): Promise<Reply<unknown>> | Reply<unknown> => {
    if (!isTrustedSender(event.senderFrame) || typeof name !== 'string') {
      return { ok: false, error: { code: 'refused', message: 'This page may not call the studio.' } };
    }
    return studio.call(name, params);
  });
}

export function sendEvent(window: BrowserWindow, event: StudioEvent): void {
  if (!window.isDestroyed()) window.webContents.send(channels.event, event);
}
