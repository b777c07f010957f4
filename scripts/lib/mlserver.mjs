import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { root } from './project.mjs';

/** A real inference server for tests and measurements alone, in a Python environment of its own. */
const PACKAGES = ['mlserver==1.7.1', 'onnxruntime'];

export const mlserverFolder = process.env.RESGEN_MLSERVER_VENV ?? path.join(root, '.cache', 'mlserver');
const python =
  process.platform === 'win32' ? path.join(mlserverFolder, 'Scripts', 'python.exe') : path.join(mlserverFolder, 'bin', 'python');

/** The Python that has it, or null. */
export function mlserverPython() {
  const there = existsSync(python) && spawnSync(python, ['-c', 'import mlserver, onnxruntime'], { stdio: 'ignore' }).status === 0;
  return there ? python : null;
}

/** Takes minutes the first time. @returns its Python @throws {Error} with a clause that says why it can't be had */
export function ensureMlserver() {
  const found = mlserverPython();
  if (found) return found;
  console.log(`Installing ${PACKAGES.join(' and ')}, once…`);
  rmSync(mlserverFolder, { recursive: true, force: true });
  run(process.env.RESGEN_PYTHON ?? 'python3', ['-m', 'venv', mlserverFolder]);
  run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES]);
  return python;
}

/** @param {string} command @param {string[]} args */
function run(command, args) {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return;
  const said = error?.message ?? stderr.trim().split('\n').at(-1);
  throw new Error(`\`${path.basename(command)} ${args.slice(0, 3).join(' ')}\` failed: ${said}`);
}
