import { InferenceSession, Tensor } from 'onnxruntime-node';
import { graphs } from '../src/contract/graphs.js';
import { Engine, type ModelPackage, type StepFunction, readPackageFile, readSafetensors, sample } from '../src/engine/index.js';
import { maskedAfter } from '../src/engine/schedule.js';
import { type Load, batchOf, median, samplingOf } from './load.js';
import { matmulModel } from './matmul-model.js';
import { profileStep } from './profile.js';

const WARM_UP_SEED = 1;

/** One batch with decoding, again and again: each call gives the milliseconds an image. */
async function generator(folder: string, { steps, batch, threads }: Load): Promise<{ run: () => Promise<number>; engine: Engine }> {
  const engine = await Engine.load(folder, { provider: 'cpu', threads });
  let seed = WARM_UP_SEED;
  const run = async () => {
    const items = batchOf(engine.pack, batch, seed);
    seed += batch;
    const start = performance.now();
    await engine.generate(items, samplingOf(engine.pack, steps));
    return (performance.now() - start) / batch;
  };
  await run();
  return { run, engine };
}

/** (a) The engine and PyTorch eager in turn; `eager` runs one round of the other side and returns its milliseconds an image. */
export async function againstEager(folder: string, load: Load, eager: () => number) {
  const { run, engine } = await generator(folder, load);
  const engineMs: number[] = [];
  const eagerMs: number[] = [];
  for (let round = 0; round < load.rounds; round++) {
    engineMs.push(await run());
    eagerMs.push(eager());
  }
  await engine.dispose();
  const ratio = median(eagerMs.map((ms, round) => ms / (engineMs[round] ?? Number.NaN)));
  return { msPerImage: { engine: median(engineMs), eager: median(eagerMs) }, timesFaster: ratio };
}

/**
 * (b) Packages that differ in depth alone, in turn. Beside the time of an image that of a forward pass: with few tokens a step may reveal none,
 * and then has no pass.
 */
export async function byDepth(folders: ReadonlyMap<number, string>, load: Load) {
  const sides: { depth: number; run: () => Promise<number>; engine: Engine; passes: number; ms: number[] }[] = [];
  for (const [depth, folder] of folders) {
    const { run, engine } = await generator(folder, load);
    sides.push({ depth, run, engine, passes: passesOf(engine.pack, load.steps), ms: [] });
  }
  for (let round = 0; round < load.rounds; round++) {
    for (const { run, ms } of sides) ms.push(await run());
  }
  await Promise.all(sides.map(({ engine }) => engine.dispose()));
  sides.sort((a, b) => a.depth - b.depth);
  const [shallow, deep] = [sides[0], sides.at(-1)];
  if (!shallow || !deep) throw new Error('No packages to compare.');
  // By round, as the machine may be faster in one than in another.
  const image = median(deep.ms.map((ms, round) => ms / (shallow.ms[round] ?? Number.NaN)));
  return {
    msPerImage: Object.fromEntries(sides.map(({ depth, ms }) => [depth, median(ms)])),
    passes: Object.fromEntries(sides.map(({ depth, passes }) => [depth, passes])),
    deepestOverShallowest: { image, pass: (image * shallow.passes) / deep.passes },
  };
}

/** Steps that reveal something. */
function passesOf({ manifest }: ModelPackage, steps: number): number {
  const { L, D } = manifest.tokens;
  let [passes, masked] = [0, L * D];
  for (let t = 1; t <= steps; t++) {
    const left = maskedAfter(manifest.schedule, t, steps, L * D);
    if (left !== masked) passes++;
    masked = left;
  }
  return passes;
}

/** (c) Where the time of a step goes: host code against `step`, the parts of the graph, and its matrix products against a bare MatMul. */
export async function shares(folder: string, load: Load) {
  const { engine } = await generator(folder, load);
  const { pack } = engine;
  const inside = engine.stepFunction();
  let insideMs = 0;
  let calls = 0;
  const timed: StepFunction = async (inputs) => {
    const start = performance.now();
    const outputs = await inside(inputs);
    insideMs += performance.now() - start;
    calls++;
    return outputs;
  };
  const start = performance.now();
  for (let round = 0; round < load.rounds; round++) {
    await sample(timed, pack.manifest.tokens, batchOf(pack, load.batch, WARM_UP_SEED), samplingOf(pack, load.steps));
  }
  const wholeMs = performance.now() - start;
  await engine.dispose();

  const golden = readSafetensors(await readPackageFile(pack, 'golden'));
  const feeds: Record<string, Tensor> = {};
  for (const [name, type] of Object.entries(graphs.step.inputs)) {
    const tensor = golden.tensors.get(`step.in.${name}`);
    if (tensor) feeds[name] = new Tensor(type, tensor.data, tensor.shape);
  }
  const profile = await profileStep(await readPackageFile(pack, 'step'), feeds, load.threads, 8);
  const gemm = await gemmRate(load.threads);
  const stepRate = profile.matmulFlops / profile.ms / 1e6;
  const share = (ms: number) => ms / (profile.trunk + profile.head + profile.quantisation);
  return {
    msPerStep: wholeMs / calls,
    shareOfHostCode: 1 - insideMs / wholeMs,
    shareOfTrunk: share(profile.trunk),
    shareOfHead: share(profile.head),
    shareOfQuantisation: share(profile.quantisation),
    gflopsPerSecond: { step: stepRate, bareMatMul: gemm },
    stepOverMatMul: stepRate / gemm,
  };
}

/** GFLOP/s of one MatMul of the size that a transformer block of this model has: onnxruntime's own rate here. */
async function gemmRate(threads: number): Promise<number> {
  const [M, K, N] = [512, 256, 1024];
  const session = await InferenceSession.create(matmulModel(M, K, N), { executionProviders: ['cpu'], intraOpNumThreads: threads });
  const feeds = { x: new Tensor('float32', new Float32Array(M * K).fill(0.5), [M, K]) };
  let best = Infinity;
  for (let i = 0; i < 50; i++) {
    const start = performance.now();
    await session.run(feeds);
    best = Math.min(best, performance.now() - start);
  }
  await session.release();
  return (2 * M * K * N) / best / 1e6;
}
