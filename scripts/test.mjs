/**
 * `npm test`: unit tests, end-to-end tests in a real Electron and in a real browser, then a smoke test of the packed application (on Linux).
 * Prepares what they need and closes with one line, `N passed, N failed`, over all. `npm test unit`, `e2e` or `packed` runs one of them;
 * what follows is handed on to it.
 */
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { buildIfStale } from './lib/build.mjs';
import { installedElectron } from './lib/electron.mjs';
import { binOf, messageOf, root, runNode } from './lib/project.mjs';
import { recogniser } from './lib/recogniser.mjs';
import { ensureSystemPackages } from './lib/system-packages.mjs';
import { ensureTestElectron } from './test-electron.mjs';

/** @typedef {{ passed: number, failed: number, skipped: number }} Tally */

const reports = path.join(root, '.cache');
const [only, ...rest] = process.argv.slice(2);
const byName = new Map(Object.entries({ unit, e2e: endToEnd, packed }));
const chosen = byName.get(only ?? '');
const suites = chosen ? [chosen] : [...byName.values()];

let passed = 0;
let failed = 0;
let skipped = 0;
for (const suite of suites) {
  try {
    const tally = await suite();
    passed += tally.passed;
    failed += tally.failed;
    skipped += tally.skipped;
  } catch (error) {
    console.error(messageOf(error));
    failed++;
  }
}
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

/** @returns {Tally} */
function unit() {
  const report = freshReport('vitest.json');
  const code = runNode([binOf('vitest'), 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...rest]);
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = readReport(report);
  return tally(numPassedTests, numFailedTests, numPendingTests + numTodoTests, code);
}

/** @returns {Promise<Tally>} */
async function endToEnd() {
  await ensureSystemPackages();
  buildIfStale();
  return playwright(rest, {
    ELECTRON_OVERRIDE_DIST_PATH: installedElectron() ?? (await ensureTestElectron()),
    RESGEN_RECOGNISER: pythonThatHears(),
  });
}

/** For the test that listens to what was said; that one is left out where there is none. Installed for whole runs, as it takes a minute. */
function pythonThatHears() {
  try {
    return (rest.length === 0 ? recogniser.ensure() : recogniser.python) ?? undefined;
  } catch (error) {
    console.log(`No recogniser of speech: ${messageOf(error)}.`);
    return undefined;
  }
}

/** @returns {Promise<Tally>} */
async function packed() {
  if (process.platform !== 'linux') return { passed: 0, failed: 0, skipped: 1 };
  await ensureSystemPackages();
  if (runNode([path.join(root, 'scripts', 'dist.mjs'), '--no-download']) !== 0) throw new Error('The application could not be packed.');
  return playwright(['--project=packed', ...rest], { RESGEN_PACKED: '1' });
}

/** @param {string[]} args @param {NodeJS.ProcessEnv} environment @returns {Tally} */
function playwright(args, environment) {
  const report = freshReport('playwright.json');
  const env = { ...process.env, ...environment, PLAYWRIGHT_JSON_OUTPUT_FILE: report };
  const command = [process.execPath, binOf('@playwright/test', 'playwright'), 'test', '--reporter=list,json', ...args];
  // A screen of its own also keeps windows from popping up over the work of whoever runs the tests.
  const [file = '', ...all] = process.platform === 'linux' ? ['xvfb-run', '-a', '-s', '-screen 0 1400x1000x24', ...command] : command;
  const code = spawnSync(file, all, { cwd: root, stdio: 'inherit', env }).status ?? 1;
  const { expected, unexpected, flaky, skipped } = readReport(report).stats;
  return tally(expected + flaky, unexpected, skipped, code);
}

/** A runner can fail outside any test, in a file that does not load for one: that counts as well. @returns {Tally} */
function tally(/** @type {number} */ passed, /** @type {number} */ failed, /** @type {number} */ skipped, /** @type {number} */ code) {
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed, skipped };
}

function freshReport(/** @type {string} */ name) {
  const file = path.join(reports, name);
  rmSync(file, { force: true });
  return file;
}

function readReport(/** @type {string} */ file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new Error('The test runner ended without a report: what it printed above says why.');
  }
}
