import type { GraphBorder } from '../../../src/engine/borders.js';
import { DATATYPES, type TensorMetadata } from '../../../src/engine/remote/protocol.js';

/** What a server of the protocol says of a graph. `triton`: an item that is one number has a last dimension of 1. */
export function metadata(name: string, { inputs, outputs }: GraphBorder, triton: boolean) {
  const list = (tensors: GraphBorder['inputs']): TensorMetadata[] =>
    Object.entries(tensors).map(([tensor, { type, shape }]) => {
      const dimensions = shape.map((dimension) => (dimension === 'B' ? -1 : Number(dimension)));
      return { name: tensor, datatype: DATATYPES[type], shape: triton && dimensions.length === 1 ? [...dimensions, 1] : dimensions };
    });
  return { name, versions: ['1'], platform: 'test', inputs: list(inputs), outputs: list(outputs) };
}
