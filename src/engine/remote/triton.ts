import { type GraphBorder, type TensorBorder, isOfBatches } from '../borders.js';

export interface TritonOptions {
  /** Largest batch that one run takes; requests that come together are put into one. */
  maxBatch: number;
  /** Copies of the graph on each device; null leaves it to Triton, which makes one. */
  instances: number | null;
}

const TYPES = { int32: 'TYPE_INT32', float32: 'TYPE_FP32', uint8: 'TYPE_UINT8' } as const satisfies Record<TensorBorder['type'], string>;

/** How long a request waits for others to share its run: a small part of a step, so that a single client hardly notices. */
const QUEUE_DELAY_US = 1000;

/** `config.pbtxt` of a graph for Triton's ONNX Runtime backend. */
export function tritonConfig(model: string, border: GraphBorder, { maxBatch, instances }: TritonOptions): string {
  const batched = isOfBatches(border);
  const tensors = (list: Readonly<Record<string, TensorBorder>>): string =>
    Object.entries(list)
      .map(([name, { type, shape }]) => tensor(name, type, batched ? shape.slice(1) : shape))
      .join(',\n');
  return [
    `name: "${model}"`,
    'backend: "onnxruntime"',
    `max_batch_size: ${batched ? maxBatch : 0}`,
    `input [\n${tensors(border.inputs)}\n]`,
    `output [\n${tensors(border.outputs)}\n]`,
    ...(instances === null ? [] : [`instance_group [ { count: ${instances} } ]`]),
    ...(batched ? [`dynamic_batching { max_queue_delay_microseconds: ${QUEUE_DELAY_US} }`] : []),
    '',
  ].join('\n');
}

/** Free dimensions are -1. Triton leaves the batch out of `dims`, and has no tensors of none: an item that is one number gets a dimension that only clients see. */
function tensor(name: string, type: TensorBorder['type'], shape: TensorBorder['shape']): string {
  const dims = shape.map((dimension) => (typeof dimension === 'number' ? dimension : -1));
  const form = dims.length > 0 ? `dims: [ ${dims.join(', ')} ]` : 'dims: [ 1 ], reshape: { shape: [ ] }';
  return `  { name: "${name}", data_type: ${TYPES[type]}, ${form} }`;
}
