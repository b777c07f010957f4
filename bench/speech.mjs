/**
 * `node bench/speech.mjs [options]`: a package that speaks against real time and against PyTorch eager in turn, and the time to the first sound
 * of a voice. See README.md. Needs $RESGEN_PYTHON.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../scripts/lib/project.mjs';
import { bundled, printReport } from './lib.mjs';

const HELP = `node bench/speech.mjs [options]
  --steps N     sampling steps (16)
  --phones N    phones of the sentence (60, about 4 seconds)
  --prompt N    positions of the voice's clip (400, 8 seconds)
  --rounds N    times that each side runs (3)
  --threads N   CPU threads of both sides (all)
  --recipe F    sizes of the untrained weights (training/recipes/voice-resgen.yaml)
`;

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '16' },
    phones: { type: 'string', default: '60' },
    prompt: { type: 'string', default: '400' },
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: String(os.availableParallelism()) },
    recipe: { type: 'string', default: path.join('training', 'recipes', 'voice-resgen.yaml') },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const sizes = ['--steps', values.steps, '--phones', values.phones, '--prompt', values.prompt, '--threads', values.threads];
const folder = mkdtempSync(path.join(os.tmpdir(), 'resgen-bench-'));
try {
  const model = path.join(folder, 'voice');
  runPython('training.export_voice', ['--recipe', values.recipe, '--random', '--out', model]);
  const { speech } = await bundled('speech.ts');
  const { steps, phones, prompt, rounds, threads } = values;
  const load = Object.fromEntries(Object.entries({ steps, phones, prompt, rounds, threads }).map(([name, value]) => [name, Number(value)]));
  printReport({ ...load, ...(await speech(model, load, eager)) });
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** One round of PyTorch eager, after its own warm-up. */
function eager() {
  return JSON.parse(runPython('training.bench_eager_voice', ['--recipe', values.recipe, '--random', '--repeat', '1', ...sizes]));
}

function runPython(module, args) {
  const python = process.env.RESGEN_PYTHON;
  if (!python) throw new Error('Set RESGEN_PYTHON to a Python with training/requirements.txt installed.');
  const result = spawnSync(python, ['-m', module, ...args], { cwd: root, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`${module} failed: ${result.error?.message ?? result.stderr.trim().split('\n').at(-1)}`);
  return result.stdout;
}
