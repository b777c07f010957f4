import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, type Tensor } from 'onnxruntime-node';
import { z } from 'zod';

const Shapes = z.array(z.record(z.string(), z.array(z.number())));
const Event = z.object({
  cat: z.string(),
  name: z.string(),
  ts: z.number(),
  dur: z.number(),
  args: z.object({ op_name: z.string(), input_type_shape: Shapes, output_type_shape: Shapes }).partial(),
});
type Event = z.infer<typeof Event>;

export interface StepProfile {
  /** Milliseconds of the whole pass. */
  ms: number;
  /** Milliseconds by part. */
  trunk: number;
  head: number;
  quantisation: number;
  /** Floating-point operations of all matrix products. */
  matmulFlops: number;
}

/**
 * Profiles passes of the `step` graph on the CPU and returns the fastest one. Kernels run in the order of the graph, which shows where
 * the parts meet: the trunk ends at the last layer norm, and quantisation starts at the distances to the first codebook, the last matrix
 * product before the first ArgMin.
 */
export async function profileStep(
  model: Uint8Array,
  feeds: Readonly<Record<string, Tensor>>,
  threads: number,
  runs: number,
): Promise<StepProfile> {
  const folder = await mkdtemp(join(tmpdir(), 'resgen-profile-'));
  try {
    const session = await InferenceSession.create(model, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'all',
      enableCpuMemArena: false,
      extra: { session: { force_spinning_stop: '1' } },
      intraOpNumThreads: threads,
      enableProfiling: true,
      profileFilePrefix: join(folder, 'step'),
    });
    for (let i = 0; i < runs; i++) await session.run(feeds);
    session.endProfiling();
    await session.release();
    const [file] = await readdir(folder);
    const events = z
      .array(Event.catch({ cat: '', name: '', ts: 0, dur: 0, args: {} }))
      .parse(JSON.parse(await readFile(join(folder, file ?? ''), 'utf8')));
    return partsOf(events);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function partsOf(events: readonly Event[]): StepProfile {
  const passes = events.filter((event) => event.name === 'model_run');
  const best = passes.reduce((a, b) => (b.dur < a.dur ? b : a));
  const kernels = events
    .filter((event) => event.cat === 'Node' && event.name.endsWith('_kernel_time') && event.ts >= best.ts && event.ts <= best.ts + best.dur)
    .sort((a, b) => a.ts - b.ts);
  const norm = kernels.findLastIndex((kernel) => /LayerNormalization/.test(kernel.args.op_name ?? ''));
  const argMin = kernels.findIndex((kernel) => kernel.args.op_name === 'ArgMin');
  const distances = kernels.slice(0, argMin).findLastIndex(isMatmul);
  if (norm < 0 || argMin < 0 || distances <= norm) throw new Error('The step graph has not the parts that this benchmark knows.');
  return {
    ms: best.dur / 1000,
    trunk: milliseconds(kernels.slice(0, norm + 1)),
    head: milliseconds(kernels.slice(norm + 1, distances)),
    quantisation: milliseconds(kernels.slice(distances)),
    matmulFlops: kernels.filter(isMatmul).reduce((sum, kernel) => sum + flops(kernel), 0),
  };
}

function milliseconds(kernels: readonly Event[]): number {
  return kernels.reduce((sum, kernel) => sum + kernel.dur, 0) / 1000;
}

function isMatmul(kernel: Event): boolean {
  return /^(Fused)?(MatMul|Gemm)$/.test(kernel.args.op_name ?? '');
}

/** 2 M N K, batched: the output's size times the inner dimension, which is the last of the first input. */
function flops({ args }: Event): number {
  const shape = (of: z.infer<typeof Shapes> | undefined) => Object.values(of?.[0] ?? {})[0] ?? [];
  return 2 * shape(args.output_type_shape).reduce((a, b) => a * b, 1) * (shape(args.input_type_shape).at(-1) ?? 0);
}
