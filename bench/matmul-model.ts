/** Just enough of ONNX's protocol buffers to write a model of one MatMul: the rate it reaches is what a step's matrix products can hope for. */

const WIRE = { varint: 0, bytes: 2 } as const;
const FLOAT = 1;

function varint(value: number): number[] {
  const out: number[] = [];
  for (; value > 0x7f; value = Math.floor(value / 0x80)) out.push((value & 0x7f) | 0x80);
  return [...out, value];
}

function integer(field: number, value: number): Uint8Array {
  return Uint8Array.from([...varint((field << 3) | WIRE.varint), ...varint(value)]);
}

function bytes(field: number, ...parts: Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Uint8Array.from([...varint((field << 3) | WIRE.bytes), ...varint(length)]), ...parts]);
}

function text(field: number, value: string): Uint8Array {
  return bytes(field, new TextEncoder().encode(value));
}

/** ValueInfoProto of a float32 tensor. */
function value(field: number, name: string, shape: readonly number[]): Uint8Array {
  const dimensions = shape.map((dimension) => bytes(1, integer(1, dimension)));
  return bytes(field, text(1, name), bytes(2, bytes(1, integer(1, FLOAT), bytes(2, ...dimensions))));
}

/** The model `y [M, N] = x [M, K] w [K, N]` with `w` a constant, as weights are, so that onnxruntime packs it ahead. */
export function matmulModel(M: number, K: number, N: number): Uint8Array {
  const weights = new Float32Array(K * N).map((_, i) => Math.sin(i));
  const initializer = bytes(5, integer(1, K), integer(1, N), integer(2, FLOAT), text(8, 'w'), bytes(9, new Uint8Array(weights.buffer)));
  const node = bytes(1, text(1, 'x'), text(1, 'w'), text(2, 'y'), text(4, 'MatMul'));
  const graph = bytes(7, node, text(2, 'matmul'), initializer, value(11, 'x', [M, K]), value(12, 'y', [M, N]));
  const [irVersion, opset] = [8, 17];
  return Buffer.concat([integer(1, irVersion), graph, bytes(8, text(1, ''), integer(2, opset))]);
}
