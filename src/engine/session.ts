import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { StudioError } from '../contract/errors.js';
import type { ProviderName } from '../contract/records.js';
import type { FreeDimension, GraphBorder, TensorBorder } from './borders.js';
import { checkGraph } from './onnx/check-graph.js';
import { memoryCap } from './onnx/memory-cap.js';
import { onnxruntime } from './onnxruntime.js';
import type { TensorData } from './safetensors.js';

/** What goes wrong is thrown, and needs no second copy on stderr. */
const FATAL = 4;

/** Order in which providers are asked: servers that somebody set up, then the fastest that a machine may have; the CPU, which all have, last. */
export const PROVIDER_ORDER = ['remote', 'tensorrt', 'cuda', 'coreml', 'dml', 'webgpu', 'cpu'] as const satisfies readonly ProviderName[];

/**
 * Providers that this build of onnxruntime-node lists, in that order; none where it has no library for this machine. Being listed is no
 * promise that one works here: it is probed.
 */
export function listedProviders(): ProviderName[] {
  const listed = new Set(backends());
  return PROVIDER_ORDER.filter((name) => listed.has(name));
}

function backends(): string[] {
  try {
    return onnxruntime()
      .listSupportedBackends()
      .map((backend) => backend.name);
  } catch {
    return [];
  }
}

export interface SessionOptions {
  provider: ProviderName;
  /** Threads of one operator on the CPU; onnxruntime's own choice (one a core) where left out. */
  threads?: number | undefined;
}

export type Tensors = Readonly<Record<string, TensorData>>;

/** The dimensions that a graph leaves free: the batch in all of them. */
export type Sizes = { B: number } & { [name in FreeDimension]?: number };

/** Whatever runs a graph. */
export interface GraphRunner {
  /** Runs a batch. Every input of the border must be given, flat and row-major. Returns every output. */
  run(sizes: Sizes, inputs: Tensors): Promise<Tensors>;
  release(): Promise<void>;
}

/** An onnxruntime session of one graph, whose inputs and outputs are as the border says. */
export class GraphSession implements GraphRunner {
  private constructor(
    private readonly session: InferenceSession,
    private readonly border: GraphBorder,
  ) {}

  /**
   * @param model the ONNX file's bytes
   * @throws StudioError `bad-file` for a graph that onnxruntime may not have, `bad-model` when inputs or outputs differ from the border;
   * onnxruntime's own error when it can't make the session
   */
  static async create(model: Uint8Array, border: GraphBorder, { provider, threads }: SessionOptions): Promise<GraphSession> {
    checkGraph(model, memoryCap());
    const session = await onnxruntime().InferenceSession.create(model, {
      executionProviders: [provider],
      graphOptimizationLevel: 'all',
      // The arena keeps what the largest batch needed for ever, and a native allocation near 2 GiB kills an Electron process.
      enableCpuMemArena: false,
      // Each session has threads of its own, and they spin for a while after a run: those of a preview's decoding would hold up the next step.
      extra: { session: { force_spinning_stop: '1' } },
      logSeverityLevel: FATAL,
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    });
    try {
      checkBorder('input', session.inputMetadata, border.inputs);
      checkBorder('output', session.outputMetadata, border.outputs);
    } catch (error) {
      await session.release();
      throw error;
    }
    return new GraphSession(session, border);
  }

  async run(sizes: Sizes, inputs: Tensors): Promise<Tensors> {
    const ort = onnxruntime();
    const feeds: Record<string, Tensor> = {};
    for (const [name, { type, shape }] of Object.entries(this.border.inputs)) {
      const data = inputs[name];
      if (!data) throw new TypeError(`The input ${name} was not given.`);
      feeds[name] = new ort.Tensor(type, data, dimensions(shape, sizes));
    }
    const results = await this.session.run(feeds);
    const outputs: Record<string, TensorData> = {};
    for (const [name, { shape }] of Object.entries(this.border.outputs)) {
      const data = results[name]?.data;
      const length = dimensions(shape, sizes).reduce((a, b) => a * b, 1);
      if (!(data instanceof Int32Array || data instanceof Float32Array || data instanceof Uint8Array) || data.length !== length) {
        throw new StudioError(
          'bad-model',
          `The model's output ${name} has not the size that its manifest says. Install the package again.`,
        );
      }
      outputs[name] = data;
    }
    return outputs;
  }

  release(): Promise<void> {
    return this.session.release();
  }
}

export function dimensions(shape: TensorBorder['shape'], sizes: Sizes): number[] {
  return shape.map((dimension) => (typeof dimension === 'number' ? dimension : (sizes[dimension] ?? 0)));
}

function checkBorder(
  direction: 'input' | 'output',
  found: readonly InferenceSession.ValueMetadata[],
  expected: Readonly<Record<string, TensorBorder>>,
): void {
  const names = found.map((value) => value.name);
  const surplus = names.find((name) => !(name in expected));
  if (surplus !== undefined) throw mismatch(`an ${direction} ${surplus} that this studio does not know`);
  for (const [name, { type, shape }] of Object.entries(expected)) {
    const value = found.find((candidate) => candidate.name === name);
    if (!value) throw mismatch(`no ${direction} ${name}`);
    if (!value.isTensor || value.type !== type) {
      throw mismatch(`an ${direction} ${name} of type ${value.isTensor ? value.type : 'sequence'}, not ${type}`);
    }
    // A symbolic dimension is a name; only those that the graph fixes can be compared.
    const fits = value.shape.length === shape.length && value.shape.every((dimension, axis) => fitsDimension(dimension, shape[axis]));
    if (!fits) throw mismatch(`an ${direction} ${name} of shape [${value.shape.join(', ')}], not [${shape.join(', ')}]`);
  }
}

function fitsDimension(found: number | string, expected: TensorBorder['shape'][number] | undefined): boolean {
  return typeof found === 'string' || found === expected;
}

function mismatch(what: string): StudioError {
  return new StudioError('bad-model', `has ${what}`);
}

// A session's types were checked against the border when it was made; these only say so to the compiler.
export function int32(data: Tensors[string] | undefined): Int32Array {
  if (!(data instanceof Int32Array)) throw new TypeError('expected int32');
  return data;
}
export function float32(data: Tensors[string] | undefined): Float32Array {
  if (!(data instanceof Float32Array)) throw new TypeError('expected float32');
  return data;
}
export function uint8(data: Tensors[string] | undefined): Uint8Array {
  if (!(data instanceof Uint8Array)) throw new TypeError('expected uint8');
  return data;
}
