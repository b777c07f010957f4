import { StudioError } from '../contract/errors.js';
import type { ProviderName, ProviderProbe } from '../contract/records.js';
import type { GraphBorder, RunnableGraph } from './borders.js';
import type { Safetensors } from './safetensors.js';
import { type GraphRunner, PROVIDER_ORDER, type Sizes, type Tensors } from './session.js';

/** How far a provider may be from PyTorch's recorded outputs. Float orders of summation differ; anything beyond is a wrong kernel. */
const TOLERANCE = {
  /** Largest |got - golden| / (1 + |golden|) of the confidence. */
  confidence: 1e-2,
  /** Share of proposed codes that must be equal: two codes nearly equally near may swap. */
  codes: 0.995,
  /** Largest difference of a pixel, of 255. */
  pixels: 2,
  /** Largest difference of a sample, of full scale. */
  samples: 5e-3,
} as const;

const TIMED_RUNS = 3;

/** Inputs of one graph and the outputs PyTorch gave for them when the package was exported. */
export interface GoldenCase {
  sizes: Sizes;
  inputs: Tensors;
  outputs: Tensors;
}

/** @throws StudioError `bad-file` when the golden file lacks a tensor of the graph. */
export function goldenCase(golden: Safetensors, graph: RunnableGraph, border: GraphBorder): GoldenCase {
  const sizes: Sizes = { B: 0 };
  const pick = (direction: 'in' | 'out', tensors: GraphBorder['inputs']): Tensors =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, { shape }]) => {
        const tensor = golden.tensors.get(`${graph}.${direction}.${name}`);
        if (!tensor?.shape[0]) throw new StudioError('bad-file', `has no tensor ${graph}.${direction}.${name}`);
        shape.forEach((dimension, axis) => {
          if (typeof dimension === 'string') sizes[dimension] = tensor.shape[axis] ?? 0;
        });
        return [name, tensor.data];
      }),
    );
  return { inputs: pick('in', border.inputs), outputs: pick('out', border.outputs), sizes };
}

export interface Sessions {
  step: GraphRunner | null;
  decode: GraphRunner;
}

export interface GoldenCases {
  step: GoldenCase | null;
  decode: GoldenCase;
}

export interface Measurement {
  /** Milliseconds of one `step`, or of one `decode` where the package has no step; the best of three. */
  ms: number;
  /** The same where it is of `step`. */
  stepMs: number | null;
  /** Of the confidence, or of what is decoded as a share of its full scale where the package has no step. */
  maxError: number;
  /** Clause that says what is wrong, or null when all is within tolerance. */
  wrong: string | null;
}

/** Runs the golden inputs and compares. The first run also counts for the time: the best of three is rarely the first. */
export async function measure(sessions: Sessions, cases: GoldenCases): Promise<Measurement> {
  const { error: decodeError, wrong: decodeWrong } = compareDecoded(
    await sessions.decode.run(cases.decode.sizes, cases.decode.inputs),
    cases.decode.outputs,
  );
  if (!sessions.step || !cases.step) {
    const ms = await bestOf(() => sessions.decode.run(cases.decode.sizes, cases.decode.inputs));
    return { ms, stepMs: null, maxError: decodeError, wrong: decodeWrong };
  }

  const { step } = sessions;
  const golden = cases.step;
  let outputs: Tensors = {};
  const ms = await bestOf(async () => {
    outputs = await step.run(golden.sizes, golden.inputs);
  });
  const { equalCodes, maxError } = compareStep(outputs, golden.outputs);
  // Negated, so that NaN is wrong too.
  const confidenceWrong = !(maxError <= TOLERANCE.confidence);
  const stepWrong =
    equalCodes < TOLERANCE.codes
      ? `only ${(equalCodes * 100).toFixed(1)} % of the codes are the recorded ones`
      : confidenceWrong
        ? `the confidence differs by ${maxError.toPrecision(2)}`
        : null;
  return { ms, stepMs: ms, maxError, wrong: stepWrong ?? decodeWrong };
}

/** `error` is the largest one, as a share of full scale. */
function compareDecoded(got: Tensors, want: Tensors): { error: number; wrong: string | null } {
  const distance = (a: number, b: number) => Math.abs(a - b);
  if (want['samples']) {
    const error = largest(got['samples'], want['samples'], distance);
    // Negated, so that NaN is wrong too.
    return { error, wrong: !(error <= TOLERANCE.samples) ? `samples differ by ${error.toPrecision(2)} of full scale` : null };
  }
  const error = largest(got['pixels'], want['pixels'], distance);
  return { error: error / 255, wrong: !(error <= TOLERANCE.pixels) ? `pixels differ by ${error} of 255` : null };
}

/** A code that flipped at a tie changes every deeper one of its position, so confidence is compared where codes are equal. */
export function compareStep(got: Tensors, want: Tensors): { equalCodes: number; maxError: number } {
  const gotCodes = got['proposed'] ?? [];
  const wantCodes = want['proposed'] ?? [];
  const gotScore = got['confidence'] ?? [];
  const wantScore = want['confidence'] ?? [];
  let equal = 0;
  let maxError = 0;
  for (let i = 0; i < wantCodes.length; i++) {
    if (gotCodes[i] !== wantCodes[i]) continue;
    equal++;
    const reference = wantScore[i] ?? Number.NaN;
    const error = Math.abs((gotScore[i] ?? Number.NaN) - reference) / (1 + Math.abs(reference));
    // Math.max keeps a NaN once it has met one.
    maxError = Math.max(maxError, error);
  }
  return { equalCodes: equal / wantCodes.length, maxError };
}

function largest(
  got: ArrayLike<number> | undefined,
  want: ArrayLike<number> | undefined,
  distance: (a: number, b: number) => number,
): number {
  let result = 0;
  for (let i = 0; i < (want?.length ?? 0); i++) result = Math.max(result, distance(got?.[i] ?? Number.NaN, want?.[i] ?? Number.NaN));
  return result;
}

async function bestOf(run: () => Promise<unknown>): Promise<number> {
  let best = Infinity;
  for (let i = 0; i < TIMED_RUNS; i++) {
    const start = performance.now();
    await run();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

/** What asking one provider came to; `sessions` only where it passed. */
export interface Attempt {
  sessions: Sessions | null;
  measurement: Measurement | null;
  /** Why it did not pass, a sentence. */
  problem: string | null;
}

export interface Choice {
  provider: ProviderName;
  sessions: Sessions;
  probes: ProviderProbe[];
}

export interface ProbeOptions {
  wanted: 'auto' | ProviderName;
  /** Also time those that would not have been asked any more. */
  probeAll: boolean;
  listed: readonly ProviderName[];
  attempt: (provider: ProviderName) => Promise<Attempt>;
}

/**
 * Asks providers in order and keeps the first that passes its probe. `auto` lets the CPU compete with it, because an accelerator may be
 * a software renderer; not with inference servers, which somebody named on purpose and which take more work than one probe shows. Sessions
 * of all others are released.
 * @throws StudioError `refused` with every reason when none passes, or when the one that was asked for does not
 */
export async function chooseProvider({ wanted, probeAll, listed, attempt }: ProbeOptions): Promise<Choice> {
  const probes = new Map<ProviderName, ProviderProbe>();
  const passed = new Map<ProviderName, { sessions: Sessions; ms: number }>();
  let active: ProviderName | null = null;
  const asked = wanted === 'auto' || probeAll ? PROVIDER_ORDER.filter((name) => name !== 'remote' || listed.includes(name)) : [wanted];
  for (const name of asked) {
    if (!listed.includes(name)) {
      probes.set(name, { name, state: 'absent', reason: absence(name), ...figures(null) });
      continue;
    }
    if (active !== null && (name !== 'cpu' || active === 'remote') && !probeAll) continue;
    const { sessions, measurement, problem } = await attempt(name);
    if (!sessions || !measurement) {
      probes.set(name, { name, state: 'refused', reason: problem ?? 'It did not run.', ...figures(measurement) });
      continue;
    }
    passed.set(name, { sessions, ms: measurement.ms });
    probes.set(name, { name, state: 'usable', reason: `Passed its probe: ${time(measurement.ms)}.`, ...figures(measurement) });
    if (active === null && (wanted === 'auto' || wanted === name)) active = name;
  }

  const cpu = passed.get('cpu');
  const first = active && passed.get(active);
  if (wanted === 'auto' && active && active !== 'cpu' && active !== 'remote' && cpu && first && cpu.ms < first.ms) {
    const probe = probes.get(active);
    if (probe)
      probes.set(active, { ...probe, state: 'refused', reason: `Slower than the CPU: ${time(first.ms)} against ${time(cpu.ms)}.` });
    active = 'cpu';
  }

  for (const [name, { sessions }] of passed) {
    if (name !== active) await releaseSessions(sessions);
  }
  const chosen = active && passed.get(active);
  if (!active || !chosen) throw noneUsable(wanted, [...probes.values()]);
  const probe = probes.get(active);
  if (probe) probes.set(active, { ...probe, state: 'active' });
  return { provider: active, sessions: chosen.sessions, probes: [...probes.values()] };
}

export async function releaseSessions({ step, decode }: Sessions): Promise<void> {
  await step?.release();
  await decode.release();
}

function absence(name: ProviderName): string {
  return name === 'remote'
    ? 'No inference server is named. Start the studio with RESGEN_REMOTE=http://server:8000 in the environment.'
    : 'Not part of this build of onnxruntime for this system.';
}

const TITLES: Record<ProviderName, string> = {
  remote: 'Inference servers',
  cuda: 'CUDA',
  tensorrt: 'TensorRT',
  coreml: 'Core ML',
  dml: 'DirectML',
  webgpu: 'WebGPU',
  cpu: 'The CPU',
};

function noneUsable(wanted: 'auto' | ProviderName, probes: readonly ProviderProbe[]): StudioError {
  if (wanted !== 'auto') {
    const reason = probes.find((probe) => probe.name === wanted)?.reason ?? '';
    return new StudioError('refused', `${TITLES[wanted]} can't run this model: ${reason} Choose "Automatic" as the provider in Settings.`);
  }
  const asked = probes.filter((probe) => probe.state !== 'absent').map((probe) => `${TITLES[probe.name]}: ${probe.reason}`);
  if (asked.length === 0) {
    const why = 'onnxruntime has no library for this machine, so a model can only run on inference servers.';
    return new StudioError('refused', `${why} Name some in RESGEN_REMOTE, or make pictures on another machine.`);
  }
  return new StudioError('refused', `No provider of this machine can run this model. ${asked.join(' ')} Install the package again.`);
}

function figures(measurement: Measurement | null): Pick<ProviderProbe, 'stepMs' | 'maxError'> {
  const maxError = measurement?.maxError ?? Number.NaN;
  // JSON has no NaN: what could not be compared has no number.
  return { stepMs: measurement?.stepMs ?? null, maxError: Number.isFinite(maxError) ? maxError : null };
}

function time(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 1 : 0)} ms a step`;
}
