import { type GraphBorder, type RunnableGraph, type TensorBorder, isOfBatches } from '../borders.js';
import type { TensorData } from '../safetensors.js';
import { type GraphRunner, type Sizes, type Tensors, dimensions } from '../session.js';
import { REMOTE_LIMITS } from './limits.js';
import { type InferenceClient, type ModelMetadata, RemoteFailure, type WantedTensor, type WireTensor } from './protocol.js';
import type { Replicas } from './replicas.js';

/** Name of a package's graph on an inference server. */
export const remoteModelName = (packageId: string, graph: RunnableGraph): string => `${packageId}-${graph}`;

/**
 * A graph on inference servers. A batch is divided among those that are well, and every part of it that fails goes to another one. A sentence's
 * step, which has tensors that are not of the batch, goes to one of them as a whole.
 */
export class RemoteGraph implements GraphRunner {
  private constructor(
    private readonly replicas: Replicas,
    private readonly model: string,
    private readonly border: GraphBorder,
    /** Inputs and outputs that the server wants or gives with a last dimension of 1, as Triton does where an item is a single number. */
    private readonly columns: ReadonlySet<string>,
  ) {}

  /** @throws StudioError `refused` where no server answers, `bad-model` where its model takes or gives something else than the border */
  static async create(replicas: Replicas, model: string, border: GraphBorder): Promise<RemoteGraph> {
    const ask = async (client: InferenceClient): Promise<Set<string>> => columnsOf(await client.modelMetadata(model), border);
    const columns = await replicas.run(model, ask, REMOTE_LIMITS.givingUpAtLoadMs);
    return new RemoteGraph(replicas, model, border, columns);
  }

  async run(sizes: Sizes, inputs: Tensors): Promise<Tensors> {
    const shares = divide(sizes.B, isOfBatches(this.border) ? this.replicas.healthy : 1);
    const parts = await Promise.all(shares.map(({ from, to }) => this.#runPart(sizes, inputs, from, to)));
    return Object.fromEntries(Object.keys(this.border.outputs).map((name, i) => [name, join(parts.map((part) => part[i]))]));
  }

  /** Servers keep their models. Graphs that share these servers are released together, and the connections with the first. */
  release(): Promise<void> {
    this.replicas.close();
    return Promise.resolve();
  }

  /** Rows `from` to `to` (outside) of a batch of B. */
  #runPart(sizes: Sizes, inputs: Tensors, from: number, to: number): Promise<TensorData[]> {
    const part = { ...sizes, B: to - from };
    const wired = Object.entries(this.border.inputs).map(([name, { type, shape }]): WireTensor => {
      const data = inputs[name];
      if (!data) throw new TypeError(`The input ${name} was not given.`);
      const row = data.length / sizes.B;
      return { name, type, shape: this.#dimensions(name, shape, part), data: data.subarray(from * row, to * row) };
    });
    const wanted = Object.entries(this.border.outputs).map(([name, { type, shape }]): WantedTensor => ({
      name,
      type,
      shape: this.#dimensions(name, shape, part),
    }));
    return this.replicas.run(this.model, (client) => client.infer(this.model, wired, wanted));
  }

  #dimensions(name: string, shape: TensorBorder['shape'], sizes: Sizes): number[] {
    const known = dimensions(shape, sizes);
    return this.columns.has(name) ? [...known, 1] : known;
  }
}

/** At most `parts` shares of B rows, none of them empty and no two of them apart by more than one row. */
export function divide(B: number, parts: number): { from: number; to: number }[] {
  const n = Math.min(B, parts);
  return Array.from({ length: n }, (_, i) => ({ from: Math.floor((i * B) / n), to: Math.floor(((i + 1) * B) / n) }));
}

function columnsOf(metadata: ModelMetadata, border: GraphBorder): Set<string> {
  const columns = new Set<string>();
  for (const direction of ['inputs', 'outputs'] as const) {
    // The protocol lets a server say nothing of its model. The probe then still compares what it computes.
    if (metadata[direction].length === 0) continue;
    for (const [name, { shape }] of Object.entries(border[direction])) {
      const found = metadata[direction].find((tensor) => tensor.name === name);
      const fits = (given: readonly number[]): boolean =>
        given.length === shape.length && given.every((dimension, axis) => dimension === -1 || dimension === shape[axis]);
      if (found && fits(found.shape)) continue;
      if (!found || found.shape.at(-1) !== 1 || !fits(found.shape.slice(0, -1))) {
        const what = found
          ? `${name} of shape [${found.shape.join(', ')}], not [${shape.join(', ')}]`
          : `no ${name} among its ${direction}`;
        throw new RemoteFailure(`it has ${what}`, false);
      }
      columns.add(name);
    }
  }
  return columns;
}

function join(parts: readonly (TensorData | undefined)[]): TensorData {
  const [first, ...more] = parts.filter((part) => part !== undefined);
  if (!first || more.length === 0) return first ?? new Uint8Array();
  const ArrayType = first.constructor as new (length: number) => TensorData;
  const joined = new ArrayType(parts.reduce((length, part) => length + (part?.length ?? 0), 0));
  let at = 0;
  for (const part of [first, ...more]) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
