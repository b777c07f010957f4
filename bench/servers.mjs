/**
 * `node bench/servers.mjs [batch] [rounds] [steps]`: pictures a minute here against one and two inference servers (MLServer, which
 * `npm run test:servers` installs) on this machine. Prints JSON.
 */
import os from 'node:os';
import path from 'node:path';
import { mlserver } from '../scripts/lib/mlserver.mjs';
import { root } from '../scripts/lib/project.mjs';
import { bundled, printReport } from './lib.mjs';

const [batch = 8, rounds = 5, steps = 16] = process.argv.slice(2).map(Number);
const python = mlserver.python;
if (python === null) {
  const place = path.relative(root, mlserver.folder);
  console.error(
    `There is no MLServer in ${place}. \`npm run test:servers\` installs it there (${mlserver.packages.join(', ')}; some minutes), or name a Python environment that has it in RESGEN_MLSERVER_VENV. Then run this again, on a machine that does nothing else.`,
  );
  process.exit(1);
}
const { throughput } = await bundled('servers.ts');
const load = { batch, rounds, steps, threads: os.availableParallelism() };
printReport({ ...load, throughput: await throughput(python, path.join(root, 'resources', 'models', 'fruits'), load) });
