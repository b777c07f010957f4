/**
 * `npm run dist:dir`: the packaged application as a folder in `dist/`, not yet an installer. Where Electron's own binary can't be had it
 * packs the tests' one, which shows that the packaging works but must not be given to anybody; with `--no-download` it does not even try.
 */
import { buildIfStale } from './lib/build.mjs';
import { installElectron, installedElectron } from './lib/electron.mjs';
import { binOf, messageOf, runNode } from './lib/project.mjs';
import { ensureTestElectron, TEST_ELECTRON_VERSION } from './test-electron.mjs';

try {
  buildIfStale();
  const own = process.argv.includes('--no-download') ? installedElectron() : installElectron();
  const substitute = own ? [] : [`-c.electronDist=${await ensureTestElectron()}`, `-c.electronVersion=${TEST_ELECTRON_VERSION}`];
  process.exitCode = runNode([binOf('electron-builder'), '--dir', '--publish', 'never', ...substitute]);
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
