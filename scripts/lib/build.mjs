import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { binOf, root } from './project.mjs';

const SOURCES = [
  'src',
  'electron.vite.config.ts',
  'tsconfig.json',
  'package.json',
  'package-lock.json',
  'scripts/lib/licences.mjs',
  'resources/licences',
  'resources/models',
];
/** Written last, so that a build cut short counts as none. */
const stamp = path.join(root, 'out', 'built');

/** Builds `out/` if a source is newer than it. @throws {Error} with the compiler's own words */
export function buildIfStale() {
  if (existsSync(stamp) && newest(SOURCES) <= statSync(stamp).mtimeMs) return;
  // Not on stdout, which belongs to the command that needed the build.
  console.error('Building ResGen Studio…');
  rmSync(stamp, { force: true });
  const { status, stderr } = spawnSync(process.execPath, [binOf('electron-vite'), 'build', '--logLevel', 'warn'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`The build failed:\n${stderr.replaceAll(/^ +at .*\n?/gm, '').trim()}`);
  writeFileSync(stamp, '');
}

/** Time of the latest change under these paths, in milliseconds. @param {string[]} names */
function newest(names) {
  let latest = 0;
  for (const name of names) {
    const file = path.join(root, name);
    latest = Math.max(latest, statSync(file).mtimeMs);
    if (!statSync(file).isDirectory()) continue;
    for (const entry of readdirSync(file, { recursive: true, encoding: 'utf8' }))
      latest = Math.max(latest, statSync(path.join(file, entry)).mtimeMs);
  }
  return latest;
}
