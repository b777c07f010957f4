/** `npm run -s resgen -- <arguments>`: the command line from a checkout, built first if it is stale. */
import path from 'node:path';
import { buildIfStale } from './lib/build.mjs';
import { fewArenas, messageOf, root, runNode } from './lib/project.mjs';

try {
  buildIfStale();
  // npm runs scripts in the project's folder; the person's paths are relative to where they were.
  process.exitCode = runNode(
    [path.join(root, 'out', 'main', 'cli.js'), ...process.argv.slice(2)],
    fewArenas,
    process.env.INIT_CWD ?? process.cwd(),
  );
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
