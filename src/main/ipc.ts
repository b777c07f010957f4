import { ipcMain, type BrowserWindow } from 'electron';
import { channels, type CallName, type Params, type Reply, type StudioEvent } from '../contract/index.js';
import type { Studio } from '../studio/index.js';
import { isTrustedSender } from './security.js';

/** Binds the contract's channels to the studio. The only file that uses `ipcMain`. */
export function answerCalls(studio: Studio): void {
  ipcMain.handle(channels.call, (event, name: unknown, params: unknown): Promise<Reply<unknown>> | Reply<unknown> => {
    if (!isTrustedSender(event.senderFrame) || typeof name !== 'string') {
      return { ok: false, error: { code: 'refused', message: 'This page may not call the studio.' } };
    }
    // The studio checks both against the contract before it believes them.
    return studio.call(name as CallName, params as Params<CallName>);
  });
}

export function sendEvent(window: BrowserWindow, event: StudioEvent): void {
  if (!window.isDestroyed()) window.webContents.send(channels.event, event);
}
