/** `npm run bench`: see README.md. Prints JSON on stdout, progress on stderr. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../scripts/lib/project.mjs';
import { bundled, cache, printReport } from './lib.mjs';

const HELP = `npm run bench -- [options]
  --steps N     sampling steps (24)
  --batch N     images sampled together (4)
  --rounds N    times that each side of a comparison runs (5)
  --threads N   CPU threads of both sides (all)
  --trained     (a) and (c) on the shipped package, with PyTorch reading its checkpoints from $RESGEN_RUNS
  --no-window   leave out (d) and (e)
`;

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '24' },
    batch: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: String(os.availableParallelism()) },
    trained: { type: 'boolean', default: false },
    'no-window': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const RANDOM_RECIPE = path.join(root, 'bench', 'random.yaml');
const TRAINED_RECIPE = path.join(root, 'training', 'recipes', 'fruits-resgen.yaml');
const DEPTHS = [4, 8, 16];
const load = { steps: Number(values.steps), batch: Number(values.batch), rounds: Number(values.rounds), threads: Number(values.threads) };
const python = process.env.RESGEN_PYTHON;

const { againstEager, byDepth, shares } = await bundled('engine.ts');
const model = values.trained ? path.join(root, 'resources', 'models', 'fruits') : () => randomPackage(16);
const report = {
  weights: values.trained ? 'trained' : 'random',
  ...load,
  engineAgainstEager: await part('engine against PyTorch', () => againstEager(folderOf(model), load, eager)),
  byDepth: await part('time by depth', () => byDepth(new Map(DEPTHS.map((depth) => [depth, randomPackage(depth)])), load)),
  shares: await part('shares of a step', () => shares(folderOf(model), load)),
  window: values['no-window'] ? { skipped: 'asked for with --no-window' } : await part('window', window),
};
printReport(report);

/** Runs one part; what can't be measured here becomes its reason, and the others still run. */
async function part(name, run) {
  process.stderr.write(`${name}…\n`);
  try {
    return await run();
  } catch (error) {
    return { skipped: error instanceof Error ? error.message : String(error) };
  }
}

function folderOf(model) {
  return typeof model === 'string' ? model : model();
}

/** A package of untrained weights with that many depths, made once. */
function randomPackage(depth) {
  const folder = path.join(cache, `depth-${depth}`);
  if (!existsSync(path.join(folder, 'model.json'))) {
    runPython('training.export', ['--recipe', RANDOM_RECIPE, '--random', '--set', `tokenizer_model.D=${depth}`, '--out', folder]);
  }
  return folder;
}

/** Milliseconds an image of one round of PyTorch eager, after its own warm-up. */
function eager() {
  const recipe = values.trained ? ['--recipe', TRAINED_RECIPE] : ['--recipe', RANDOM_RECIPE, '--random'];
  const sizes = ['--steps', values.steps, '--batch', values.batch, '--repeat', '1', '--threads', values.threads];
  return JSON.parse(runPython('training.bench_eager', [...recipe, ...sizes])).ms_per_image;
}

function runPython(module, args) {
  if (!python) throw new Error('Set RESGEN_PYTHON to a Python with training/requirements.txt installed.');
  const result = spawnSync(python, ['-m', module, ...args], { cwd: root, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`${module} failed: ${result.error?.message ?? result.stderr.trim().split('\n').at(-1)}`);
  return result.stdout;
}

/** (d) cold start and (e) memory, measured in a real Electron, under a virtual display where there is none. */
function window() {
  const script = path.join(root, 'bench', 'electron.mjs');
  const needsDisplay = process.platform === 'linux' && !process.env.DISPLAY;
  const [command, ...args] = needsDisplay ? ['xvfb-run', '-a', process.execPath, script] : [process.execPath, script];
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  if (result.status !== 0)
    throw new Error(`The window could not be measured: ${result.error?.message ?? result.stderr.trim().split('\n').at(-1)}`);
  return JSON.parse(result.stdout.slice(result.stdout.indexOf('{')));
}
