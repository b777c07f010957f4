/// <reference types="vite/client" />
import type { Bridge } from '../contract/index.js';

declare global {
  interface Window {
    /** Put there by Electron's preload; absent in a browser. */
    readonly studio?: Bridge;
  }
}
