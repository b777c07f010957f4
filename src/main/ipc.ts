import { ipcMain, type BrowserWindow } from 'electron';
import { channels, type CallName, type Params, type Reply, type StudioEvent } from '../contract/index.js';
import type { Studio } from '../studio/index.js';
import { isTrustedSender } from './security.js';

/** Binds the contract's channels to the studio, which answers once it is open. The only file that uses `ipcMain`. */
export function answerCalls(opening: Promise<Studio>): void {
  ipcMain.handle(channels.call, async (event, name: unknown, params: unknown): Promise<Reply<unknown>> => {
    if (!isTrustedSender(event.senderFrame) || typeof name !== 'string') {
      return { ok: false, error: { code: 'refused', message: 'This page may not call the studio.' } };
    }
    // The studio checks both against the contract before it believes them.
    return (await opening).call(name as CallName, params as Params<CallName>);
  });
}

export function sendEvent(window: BrowserWindow, event: StudioEvent): void {
  if (!window.isDestroyed()) window.webContents.send(channels.event, event);
}
