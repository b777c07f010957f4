/** Writes just enough protobuf to build ONNX files that no exporter would. */

export type Value = number | bigint | string | Uint8Array;

/** One field: numbers become varints, strings and bytes are given their length. */
export function field(number: number, value: Value): Uint8Array {
  if (typeof value === 'number' || typeof value === 'bigint') return join([varint(number * 8), varint(value)]);
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  return join([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

export function join(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

export function varint(value: number | bigint): Uint8Array {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    out.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Uint8Array.from(out);
}

/** A TensorProto of float32, or another type, with raw bytes. */
export function tensor(name: string, dims: readonly (number | bigint)[], raw: Uint8Array, type = 1): Uint8Array {
  return join([...dims.map((dim) => field(1, dim)), field(2, type), field(8, name), field(9, raw)]);
}

export function node(
  operator: string,
  inputs: readonly string[],
  outputs: readonly string[],
  extra: readonly Uint8Array[] = [],
): Uint8Array {
  return join([...inputs.map((name) => field(1, name)), ...outputs.map((name) => field(2, name)), field(4, operator), ...extra]);
}

/** A ValueInfoProto of float32. */
export function value(name: string, dims: readonly number[]): Uint8Array {
  const shape = join(dims.map((dim) => field(1, field(1, dim))));
  return join([field(1, name), field(2, field(1, join([field(1, 1), field(2, shape)])))]);
}

export interface GraphParts {
  nodes?: readonly Uint8Array[];
  initializers?: readonly Uint8Array[];
  /** More fields of the GraphProto. */
  more?: readonly Uint8Array[];
}

export function graph({ nodes = [node('Identity', ['x'], ['y'])], initializers = [], more = [] }: GraphParts = {}): Uint8Array {
  return join([
    ...nodes.map((one) => field(1, one)),
    field(2, 'main'),
    ...initializers.map((one) => field(5, one)),
    field(11, value('x', [2])),
    field(12, value('y', [2])),
    ...more,
  ]);
}

export interface ModelParts extends GraphParts {
  ir?: number;
  opset?: number;
  domain?: string;
  /** More fields of the ModelProto. */
  extra?: readonly Uint8Array[];
}

export function model({ ir = 10, opset = 20, domain = '', extra = [], ...parts }: ModelParts = {}): Uint8Array {
  return join([field(1, ir), field(7, graph(parts)), field(8, join([field(1, domain), field(2, opset)])), ...extra]);
}
