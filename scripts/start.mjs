/**
 * `npm start`: builds what is stale and opens the studio's window. Where there is no display or Electron can't be had, says so and serves
 * the same studio to a browser. Arguments are handed on to Electron.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { buildIfStale } from './lib/build.mjs';
import { electronIn, installElectron, sandboxSwitches } from './lib/electron.mjs';
import { fewArenas, messageOf, root } from './lib/project.mjs';

/** Electron that ends this soon, and not by its own choice, has not shown a window. */
const START_LIMIT_MS = 10_000;
/** The studio showed its own message before it ended (`src/main/trouble.ts`). */
const TOLD_ALREADY = 70;

try {
  buildIfStale();
  const obstacle = await openWindow();
  if (obstacle !== null) {
    console.log(`${obstacle} The studio opens in a browser instead.`);
    process.exitCode = await serve();
  }
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}

/** @returns {Promise<string | null>} the sentence that says why there is no window, or null once it was opened and closed again */
async function openWindow() {
  if (process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) return 'There is no display here for a window.';
  const dist = installElectron();
  if (dist === null) return "Electron's binary could not be downloaded.";
  const started = Date.now();
  const code = await run(electronIn(dist), [root, ...sandboxSwitches, ...process.argv.slice(2)]);
  if (code === 0 || code === TOLD_ALREADY || Date.now() - started > START_LIMIT_MS) {
    process.exitCode = code;
    return null;
  }
  return 'Electron could not open a window here.';
}

function serve() {
  return run(process.execPath, [path.join(root, 'out', 'main', 'cli.js'), 'serve', '--open'], fewArenas);
}

/** @param {string} command @param {string[]} args @param {NodeJS.ProcessEnv} [env] @returns {Promise<number>} */
function run(command, args, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
    const forward = (/** @type {NodeJS.Signals} */ signal) => child.kill(signal);
    process.on('SIGINT', forward).on('SIGTERM', forward);
    child.on('error', () => resolve(1));
    child.on('exit', (code) => resolve(code ?? 1));
  });
}
