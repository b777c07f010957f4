import { contextBridge, ipcRenderer } from 'electron';
import { channels, type Bridge } from '../contract/bridge.js';

const bridge: Bridge = {
  call: (name, params) => ipcRenderer.invoke(channels.call, name, params),
  subscribe(listener) {
    // The IPC event object holds the sender: it stays on this side.
    const forward = (_event: unknown, studioEvent: Parameters<typeof listener>[0]) => listener(studioEvent);
    ipcRenderer.on(channels.event, forward);
    return () => ipcRenderer.off(channels.event, forward);
  },
};

contextBridge.exposeInMainWorld('studio', bridge);
