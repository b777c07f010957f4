/**
 * `node scripts/database-fixtures.mjs`: for every schema of the database that has landed and has no fixture yet, the studio of then fills a library
 * (test/unit/studio/fill-library.ts), and what it left behind is written down in test/fixtures/databases: `schema-N.sql`, and in `schema-N.json` what
 * it answered about it. Fixtures are never made anew: what was released stays as it was. Needs the whole git history.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { binOf, root, runNode } from './lib/project.mjs';

const fixtures = path.join(root, 'test', 'fixtures', 'databases');
const scratch = path.join(root, '.cache', 'databases');
/** @param {string[]} command */
const git = (...command) => execFileSync('git', command, { cwd: root, maxBuffer: 2 ** 30 });

/** Commits of the main line that changed the schema, oldest first: what stood before the next of them may have been somebody's studio. */
const changes = git('rev-list', '--first-parent', '--reverse', 'HEAD', '--', 'src/studio/migrations.ts').toString().trim().split('\n');
mkdirSync(scratch, { recursive: true });
let newest = 0;
// Newest first: of several states with one schema, the last.
for (const state of [...changes.map((commit) => `${commit}^1`), 'HEAD'].reverse()) {
  const tree = mkdtempSync(path.join(scratch, 'tree-'));
  try {
    const archive = git('archive', state, 'src', 'test', 'resources', 'package.json', 'vitest.config.ts', 'svelte.config.js');
    execFileSync('tar', ['-x', '-C', tree, '--exclude=resources/models'], { input: archive });
    symlinkSync(path.join(root, 'node_modules'), path.join(tree, 'node_modules'));
    const fill = path.join('test', 'unit', 'studio', 'fill-library.test.ts');
    cpSync(path.join(root, fill.replace('.test', '')), path.join(tree, fill));
    const left = path.join(tree, 'left');
    // Some states in the middle of several merges did not start at all.
    if (runNode([binOf('vitest'), 'run', fill], { RESGEN_FILL: left }, tree) !== 0) continue;
    const { schema } = JSON.parse(readFileSync(`${left}.json`, 'utf8'));
    newest = Math.max(newest, schema);
    const name = path.join(fixtures, `schema-${schema}`);
    if (existsSync(`${name}.sql`)) continue;
    cpSync(`${left}.sql`, `${name}.sql`);
    cpSync(`${left}.json`, `${name}.json`);
    console.log(`Wrote schema-${schema}, by the studio of ${git('log', '-1', '--format=%h, %cs', state)}`);
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}
for (let schema = 1; schema <= newest; schema++) {
  if (!existsSync(path.join(fixtures, `schema-${schema}.sql`))) throw new Error(`No studio filled a library of schema ${schema}.`);
}
