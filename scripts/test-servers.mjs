/**
 * `npm run test:servers`: the engine against two processes of a real inference server, MLServer. With `--if-installed` (CI) it installs
 * nothing, which would take minutes. Where there is none it says why, and passes.
 */
import path from 'node:path';
import { mlserver } from './lib/mlserver.mjs';
import { binOf, messageOf, root, runNode } from './lib/project.mjs';

try {
  const python = process.argv.includes('--if-installed') ? mlserver.python : mlserver.ensure();
  if (python === null)
    throw new Error(`there is no MLServer in ${path.relative(root, mlserver.folder)}; \`npm run test:servers\` installs it, in minutes`);
  process.exitCode = runNode([binOf('vitest'), 'run', 'test/servers'], { RESGEN_MLSERVER: python });
} catch (error) {
  console.log(`test:servers skipped: ${messageOf(error)}.`);
}
