import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';

/** The folder of package.json. */
export const root = path.resolve(import.meta.dirname, '..', '..');

const require = createRequire(import.meta.url);

/**
 * The script of an installed package's command, so that it runs under this very Node on every platform, without npx or a shell.
 * @param {string} name of the package
 * @param {string} [command] of several, where the package has them
 */
export function binOf(name, command = name) {
  const manifest = path.join(root, 'node_modules', name, 'package.json');
  const { bin } = require(manifest);
  return path.join(path.dirname(manifest), typeof bin === 'string' ? bin : bin[command]);
}

/**
 * Runs a Node script and shows what it prints.
 * @param {string[]} args script and arguments
 * @param {NodeJS.ProcessEnv} [env] over this process's own
 * @param {string} [cwd] instead of the project's folder
 * @returns {number} its exit code; 1 where a signal ended it
 */
export function runNode(args, env = {}, cwd = root) {
  return spawnSync(process.execPath, args, { cwd, stdio: 'inherit', env: { ...process.env, ...env } }).status ?? 1;
}

/** For a studio that may run for days under plain Node, as its engine process has it: src/studio/node-engine-process.ts says why. */
export const fewArenas = { MALLOC_ARENA_MAX: process.env.MALLOC_ARENA_MAX ?? '2' };

/** @param {unknown} error */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
