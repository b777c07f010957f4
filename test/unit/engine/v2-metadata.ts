import { type GraphBorder, isOfBatches } from '../../../src/engine/borders.js';
import { DATATYPES, type TensorMetadata } from '../../../src/engine/remote/protocol.js';
import type { Sizes } from '../../../src/engine/session.js';

/** What a server of the protocol says of a graph. `triton`: an item of a batch that is one number has a last dimension of 1. */
export function metadata(name: string, border: GraphBorder, triton: boolean) {
  const { inputs, outputs } = border;
  const columns = triton && isOfBatches(border);
  const list = (tensors: GraphBorder['inputs']): TensorMetadata[] =>
    Object.entries(tensors).map(([tensor, { type, shape }]) => {
      const dimensions = shape.map((dimension) => (typeof dimension === 'number' ? dimension : -1));
      return { name: tensor, datatype: DATATYPES[type], shape: columns && dimensions.length === 1 ? [...dimensions, 1] : dimensions };
    });
  return { name, versions: ['1'], platform: 'test', inputs: list(inputs), outputs: list(outputs) };
}

/** What the free dimensions of a graph come to by the shapes of a request, the samples of a sound by its positions. */
export function sizesOf(
  { inputs }: GraphBorder,
  given: readonly { name: string; shape: readonly number[] }[],
  samplesPerPosition: number,
): Sizes {
  const sizes: Sizes = { B: 0 };
  for (const { name, shape } of given) {
    inputs[name]?.shape.forEach((dimension, axis) => {
      if (typeof dimension === 'string') sizes[dimension] = Number(shape[axis]);
    });
  }
  return { ...sizes, N: (sizes.L ?? 0) * samplesPerPosition };
}
