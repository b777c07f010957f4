/** `npm run test:faults [rounds]`: the long form of test/faults, fifty rounds of each unless told otherwise. */
import { binOf, runNode } from './lib/project.mjs';

const rounds = process.argv[2] ?? process.env.RESGEN_FAULT_ROUNDS ?? '50';
process.exitCode = runNode([binOf('vitest'), 'run', 'test/faults'], { RESGEN_FAULT_ROUNDS: rounds });
