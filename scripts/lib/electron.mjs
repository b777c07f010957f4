import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './project.mjs';

const INSTALL_LIMIT_MS = 10 * 60_000;
const folder = path.join(root, 'node_modules', 'electron');

/** The folder of the Electron binary that is already here, or null. */
export function installedElectron() {
  const given = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  if (given) return existsSync(path.join(given, executable())) ? given : null;
  const dist = path.join(folder, 'dist');
  return existsSync(path.join(dist, executable())) ? dist : null;
}

/** Downloads Electron's binary the first time, as the package itself would. @returns its folder, or null where it can't be had */
export function installElectron() {
  const found = installedElectron();
  if (found || process.env.ELECTRON_OVERRIDE_DIST_PATH) return found;
  console.log('Downloading Electron, once…');
  // Its own errors are a stack trace; the caller says it in a sentence.
  spawnSync(process.execPath, [path.join(folder, 'install.js')], { stdio: 'ignore', timeout: INSTALL_LIMIT_MS });
  return installedElectron();
}

/** The binary inside a folder of Electron. @param {string} dist */
export function electronIn(dist) {
  return path.join(dist, executable());
}

/** Chromium's sandbox refuses to run for root, which is what containers and this project's CI are. */
export const sandboxSwitches = process.platform === 'linux' && process.getuid?.() === 0 ? ['--no-sandbox'] : [];

function executable() {
  const written = path.join(folder, 'path.txt');
  if (existsSync(written)) return readFileSync(written, 'utf8');
  if (process.platform === 'darwin') return 'Electron.app/Contents/MacOS/Electron';
  return process.platform === 'win32' ? 'electron.exe' : 'electron';
}
