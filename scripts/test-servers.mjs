/**
 * `npm run test:servers`: the engine against two processes of a real inference server, MLServer, in a Python environment of its own.
 * With `--if-installed` (CI) it makes no such environment, which takes minutes. Where there is none it says why, and passes.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { binOf, messageOf, root, runNode } from './lib/project.mjs';

const PACKAGES = ['mlserver==1.7.1', 'onnxruntime'];
const folder = process.env.RESGEN_MLSERVER_VENV ?? path.join(root, '.cache', 'mlserver');
const python = process.platform === 'win32' ? path.join(folder, 'Scripts', 'python.exe') : path.join(folder, 'bin', 'python');

try {
  if (process.argv.includes('--if-installed')) {
    if (!installed()) throw new Error(`there is no MLServer in ${path.relative(root, folder)}; \`npm run test:servers\` installs it`);
  } else {
    install();
  }
  process.exitCode = runNode([binOf('vitest'), 'run', 'test/servers'], { RESGEN_MLSERVER: python });
} catch (error) {
  console.log(`test:servers skipped: ${messageOf(error)}.`);
}

function installed() {
  return existsSync(python) && spawnSync(python, ['-c', 'import mlserver, onnxruntime'], { stdio: 'ignore' }).status === 0;
}

function install() {
  if (installed()) return;
  console.log(`Installing ${PACKAGES.join(' and ')}, once…`);
  rmSync(folder, { recursive: true, force: true });
  run(process.env.RESGEN_PYTHON ?? 'python3', ['-m', 'venv', folder]);
  run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES]);
}

/** @param {string} command @param {string[]} args */
function run(command, args) {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return;
  const said = error?.message ?? stderr.trim().split('\n').at(-1);
  throw new Error(`\`${path.basename(command)} ${args.slice(0, 3).join(' ')}\` failed: ${said}`);
}
