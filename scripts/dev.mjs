/** `npm run dev`: the window with hot reload, on Electron's own binary or, where that can't be had, on the tests' one. */
import { electronIn, installElectron, sandboxSwitches } from './lib/electron.mjs';
import { binOf, messageOf, runNode } from './lib/project.mjs';
import { ensureTestElectron } from './test-electron.mjs';

try {
  const dist = installElectron() ?? (await ensureTestElectron());
  const env = { ELECTRON_EXEC_PATH: electronIn(dist), ELECTRON_CLI_ARGS: JSON.stringify([...sandboxSwitches, ...process.argv.slice(2)]) };
  process.exitCode = runNode([binOf('electron-vite'), 'dev'], env);
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
