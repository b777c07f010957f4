import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';

/** Packages of Python that tests and measurements alone need, in an environment of their own. */
export class PythonEnvironment {
  #python;

  /** @param {string} folder @param {string[]} packages @param {string[]} imports modules that show that they are there */
  constructor(folder, packages, imports) {
    this.folder = folder;
    this.packages = packages;
    this.imports = imports;
    this.#python = process.platform === 'win32' ? path.join(folder, 'Scripts', 'python.exe') : path.join(folder, 'bin', 'python');
  }

  /** The Python that has them, or null. */
  get python() {
    if (!existsSync(this.#python)) return null;
    return spawnSync(this.#python, ['-c', `import ${this.imports.join(', ')}`], { stdio: 'ignore' }).status === 0 ? this.#python : null;
  }

  /** Takes minutes the first time. @returns its Python @throws {Error} with a clause that says why it can't be had */
  ensure() {
    const found = this.python;
    if (found) return found;
    console.log(`Installing ${this.packages.join(', ')}, once…`);
    rmSync(this.folder, { recursive: true, force: true });
    run(process.env.RESGEN_PYTHON ?? 'python3', ['-m', 'venv', this.folder]);
    run(this.#python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...this.packages]);
    return this.#python;
  }
}

/** @param {string} command @param {string[]} args */
function run(command, args) {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return;
  const said = error?.message ?? stderr.trim().split('\n').at(-1);
  throw new Error(`\`${path.basename(command)} ${args.slice(0, 3).join(' ')}\` failed: ${said}`);
}
