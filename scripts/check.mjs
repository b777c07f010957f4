/** `npm run check`: everything that CI runs, the cheap checks first. All of them run; the exit code tells whether one failed. */
import { binOf, runNode } from './lib/project.mjs';

/** @type {[string, string[]][]} */
const CHECKS = [
  ['prettier', [binOf('prettier'), '--check', '.', '--log-level', 'warn']],
  ['eslint', [binOf('eslint'), '.', '--max-warnings', '0']],
  ['tsc', [binOf('typescript', 'tsc')]],
  ['svelte-check', [binOf('svelte-check'), '--fail-on-warnings', '--output', 'human']],
  ['knip', [binOf('knip')]],
  ['tests', ['scripts/test.mjs']],
];

const failed = [];
for (const [name, command] of CHECKS) {
  const started = Date.now();
  // The tests close with the line that counts them, so the verdict on the others has to stand before.
  if (name === 'tests' && failed.length > 0) console.log(`✗ ${failed.join(', ')}: see above`);
  if (runNode(command) !== 0) failed.push(name);
  if (name !== 'tests') console.log(`${failed.includes(name) ? '✗' : '✓'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}
process.exitCode = failed.length === 0 ? 0 : 1;
