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
import { ensureSystemPackages } from './lib/system-packages.mjs';
import { testPython } from './lib/test-python.mjs';
import { ensureTestElectron } from './test-electron.mjs';

/** @typedef {{ passed: number, failed: number, skipped: number, said: string[] }} Tally `said`: a line or more of every test that failed */

const reports = path.join(root, '.cache');
const [only, ...rest] = process.argv.slice(2);
const byName = new Map(Object.entries({ unit, e2e: endToEnd, packed }));
const chosen = byName.get(only ?? '');
const suites = chosen ? [chosen] : [...byName.values()];

let passed = 0;
let failed = 0;
let skipped = 0;
/** @type {string[]} */
const said = [];
/** @type {NodeJS.ProcessEnv | undefined} */
let pythonFound;
for (const suite of suites) {
  try {
    const tally = await suite();
    passed += tally.passed;
    failed += tally.failed;
    skipped += tally.skipped;
    said.push(...tally.said);
  } catch (error) {
    said.push(messageOf(error));
    failed++;
  }
}
// At the very end too, as of a long log only that may be kept.
for (const what of said) console.error(`\nFailed: ${what}`);
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

/** @returns {Tally} */
function unit() {
  const report = freshReport('vitest.json');
  const options = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...rest];
  const code = run([process.execPath, binOf('vitest'), ...options], python());
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = readReport(report);
  return tally(numPassedTests, numFailedTests, numPendingTests + numTodoTests, code, testResults.flatMap(failedInVitest));
}

/** @returns {Promise<Tally>} */
async function endToEnd() {
  await ensureSystemPackages();
  buildIfStale();
  return playwright(rest, {
    ...python(),
    ELECTRON_OVERRIDE_DIST_PATH: installedElectron() ?? (await ensureTestElectron()),
  });
}

/** For the tests that listen to what was said and that read token files, looked for once. */
function python() {
  return (pythonFound ??= findPython());
}

/** Installed for whole runs, as it takes a minute; the tests that need it are left out without it. */
function findPython() {
  try {
    const found = rest.length === 0 ? testPython.ensure() : testPython.python;
    return found ? { RESGEN_RECOGNISER: found, RESGEN_PYTHON: process.env.RESGEN_PYTHON ?? found } : {};
  } catch (error) {
    console.log(`No Python for tests: ${messageOf(error)}.`);
    return {};
  }
}

/** @returns {Promise<Tally>} */
async function packed() {
  if (process.platform !== 'linux') return { passed: 0, failed: 0, skipped: 1, said: [] };
  await ensureSystemPackages();
  if (runNode([path.join(root, 'scripts', 'dist.mjs'), '--no-download']) !== 0) throw new Error('The application could not be packed.');
  return playwright(['--project=packed', ...rest], { RESGEN_PACKED: '1' });
}

/** @param {string[]} args @param {NodeJS.ProcessEnv} environment @returns {Tally} */
function playwright(args, environment) {
  const report = freshReport('playwright.json');
  const command = [process.execPath, binOf('@playwright/test', 'playwright'), 'test', '--reporter=list,json', ...args];
  // A screen of its own also keeps windows from popping up over the work of whoever runs the tests.
  const screen = process.platform === 'linux' ? ['xvfb-run', '-a', '-s', '-screen 0 1400x1000x24'] : [];
  const code = run([...screen, ...command], { ...environment, PLAYWRIGHT_JSON_OUTPUT_FILE: report });
  const { stats, suites, errors } = readReport(report);
  const said = [...suites.flatMap(failedInPlaywright), ...errors.map((/** @type {{ message: string }} */ { message }) => message)];
  return tally(stats.expected + stats.flaky, stats.unexpected, stats.skipped, code, said);
}

/** @param {string[]} command @param {NodeJS.ProcessEnv} environment @returns its exit code */
function run([file = '', ...all], environment) {
  return spawnSync(file, all, { cwd: root, stdio: 'inherit', env: { ...process.env, ...environment } }).status ?? 1;
}

/**
 * A runner can fail outside any test, in a file that does not load for one: that counts as well.
 * @param {number} passed @param {number} failed @param {number} skipped @param {number} code @param {string[]} said @returns {Tally}
 */
function tally(passed, failed, skipped, code, said) {
  const outside = code !== 0 && failed === 0;
  return {
    passed,
    failed: outside ? 1 : failed,
    skipped,
    said: outside && said.length === 0 ? [`a test runner, with exit code ${code}.`] : said,
  };
}

/** @param {import('vitest/node').JsonTestResults['testResults'][number]} file */
function failedInVitest(file) {
  const where = path.relative(root, file.name);
  const tests = file.assertionResults.filter(({ status }) => status === 'failed');
  if (tests.length === 0 && file.status === 'failed') return [`${where}\n${file.message}`];
  return tests.map((test) => `${where}: ${test.fullName}\n${(test.failureMessages ?? []).join('\n')}`);
}

/** @param {import('@playwright/test/reporter').JSONReportSuite} suite @returns {string[]} */
function failedInPlaywright(suite) {
  const own = suite.specs.filter(({ ok }) => !ok);
  return [
    ...own.map(({ file, title, tests }) => {
      const messages = tests.flatMap(({ results }) => results.at(-1)?.errors.map(({ message }) => message ?? '') ?? []);
      return `${file}: ${title} [${tests.map(({ projectName }) => projectName).join(', ')}]\n${messages.join('\n')}`;
    }),
    ...(suite.suites ?? []).flatMap(failedInPlaywright),
  ];
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
