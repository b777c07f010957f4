import { LIMITS, formatBytes } from '../../contract/limits.js';
import { ALLOWED_OPERATORS } from './operators.js';
import { checkLimit, elementSize, elements, quote, readTensor } from './tensor.js';
import { type MessageShape, contents, damaged, fields, integer, text } from './wire.js';

const LIMIT = LIMITS.graph.limits;

/** Fields by their numbers in onnx.proto. */
const MODEL: MessageShape = { name: 'model', one: [1, 2, 3, 4, 5, 6, 7], many: [8, 14, 20, 25, 26] };
const OPSET: MessageShape = { name: 'operator set', one: [1, 2], many: [] };
const GRAPH: MessageShape = { name: 'graph', one: [2, 10], many: [1, 5, 11, 12, 13, 14, 15, 16] };
const NODE: MessageShape = { name: 'node', one: [3, 4, 6, 7, 8], many: [1, 2, 5, 9, 10] };
const ATTRIBUTE: MessageShape = {
  name: 'attribute',
  one: [1, 2, 3, 4, 5, 6, 13, 14, 20, 21, 22],
  many: [7, 8, 9, 10, 11, 15, 23],
};
const VALUE: MessageShape = { name: 'value', one: [1, 2, 3], many: [4] };
const TYPE: MessageShape = { name: 'type', one: [1, 4, 5, 6, 8, 9], many: [] };
const TENSOR_TYPE: MessageShape = { name: 'tensor type', one: [1, 2], many: [] };
const TENSOR_SHAPE: MessageShape = { name: 'shape', one: [], many: [1] };
const DIMENSION: MessageShape = { name: 'axis', one: [1, 2, 3], many: [] };

/** What a graph turned out to be. */
export interface GraphFacts {
  opset: number;
  nodes: number;
  /** Stored tensors, constants with them. */
  initializers: number;
  operators: ReadonlySet<string>;
  /** What a run of a batch of one needs at the least: the stored numbers, halves also as the float32 they are widened to, and the largest value. */
  memoryBytes: number;
}

/** Tallies of a model that is being read, subgraphs with it. */
interface Tally {
  opset: number;
  nodes: number;
  initializers: number;
  values: number;
  operators: Set<string>;
  storedBytes: number;
  largestValue: number;
  /** Short int64 tensors by name, which is what shapes are made from. */
  few: Map<string, readonly number[]>;
  /** What has to be compared once every constant is known. */
  shapeInputs: { operator: string; input: string }[];
}

/** Inputs that say how large an output is to be. */
const SHAPE_INPUT: Readonly<Record<string, number>> = { ConstantOfShape: 0, Expand: 1, Tile: 1, Resize: 3 };

/**
 * Reads an ONNX file as far as it takes to know that onnxruntime may have it: only known operators of the default domain in a known version,
 * everything inside the file, no nesting or number beyond the limits, every stored tensor as large as it says. Copies and runs nothing.
 * @param memoryCap bytes that a run may take
 * @throws StudioError `bad-file` with what is wrong, as a clause that follows the graph's name
 */
export function checkGraph(bytes: Uint8Array, memoryCap: number): GraphFacts {
  const tally: Tally = {
    opset: 0,
    nodes: 0,
    initializers: 0,
    values: 0,
    operators: new Set(),
    storedBytes: 0,
    largestValue: 0,
    few: new Map(),
    shapeInputs: [],
  };
  let [graph, format]: [Uint8Array | null, number] = [null, 0];
  for (const field of fields(bytes, MODEL)) {
    if (field.number === 1) format = integer(field);
    else if (field.number === 7) graph = contents(field);
    else if (field.number === 8) readOpset(contents(field), tally);
    else if (field.number === 20) throw damaged('has training steps, and only graphs to run are read');
    else if (field.number === 25) throw damaged('has functions of its own, and only operators of ONNX are run');
    else if (field.number === 26) throw damaged('asks to be spread over devices, which is the choice of the studio');
  }
  inRange(format, LIMIT.oldestIr.value, LIMIT.newestIr.value, 'file format');
  if (tally.opset === 0) throw damaged('does not say which operators it uses');
  if (!graph) throw damaged('has no graph in it');
  readGraph(graph, 1, tally);
  if (tally.nodes === 0) throw damaged('has no nodes');
  checkShapes(tally);
  const memoryBytes = tally.storedBytes + tally.largestValue;
  if (memoryBytes > memoryCap) {
    throw damaged(`needs at least ${formatBytes(memoryBytes)} of memory, and this machine can give it ${formatBytes(memoryCap)}`);
  }
  const { opset, nodes, initializers, operators } = tally;
  return { opset, nodes, initializers, operators, memoryBytes };
}

function readOpset(bytes: Uint8Array, tally: Tally): void {
  let [domain, version] = ['', 0];
  for (const field of fields(bytes, OPSET)) {
    if (field.number === 1) domain = text(field, LIMIT.name.value);
    else version = integer(field);
  }
  checkDomain(domain);
  if (tally.opset !== 0) throw damaged('says twice which operators it uses');
  inRange(version, LIMIT.oldestOpset.value, LIMIT.newestOpset.value, 'set of operators');
  tally.opset = version;
}

function readGraph(bytes: Uint8Array, depth: number, tally: Tally): void {
  checkLimit(depth, LIMIT.subgraphs, `has graphs ${depth} deep inside each other`);
  for (const field of fields(bytes, GRAPH)) {
    if (field.number === 1) readNode(contents(field), depth, tally);
    else if (field.number === 5) store(contents(field), null, tally);
    else if (field.number === 11 || field.number === 12 || field.number === 13) readValue(contents(field), tally);
    else if (field.number === 14 || field.number === 15) throw damaged('has sparse or quantised tensors, which this studio does not use');
  }
}

function readNode(bytes: Uint8Array, depth: number, tally: Tally): void {
  checkLimit(++tally.nodes, LIMIT.nodes, `has more than ${LIMIT.nodes.value.toLocaleString('en')} nodes`);
  const [inputs, outputs]: [string[], string[]] = [[], []];
  const attributes: Uint8Array[] = [];
  let operator = '';
  for (const field of fields(bytes, NODE)) {
    if (field.number === 1) inputs.push(text(field, LIMIT.name.value));
    else if (field.number === 2) outputs.push(text(field, LIMIT.name.value));
    else if (field.number === 4) operator = text(field, LIMIT.name.value);
    else if (field.number === 5) attributes.push(contents(field));
    else if (field.number === 7) checkDomain(text(field, LIMIT.name.value));
    else if (field.number === 8) throw damaged('calls a function of its own, and only operators of ONNX are run');
    else if (field.number === 10) throw damaged('asks to be spread over devices, which is the choice of the studio');
  }
  if (!ALLOWED_OPERATORS.has(operator)) throw damaged(`uses the operator ${quote(operator)}, which is not one that models here may use`);
  checkLimit(
    Math.max(inputs.length, outputs.length),
    LIMIT.valuesOfNode,
    `has a node of ${Math.max(inputs.length, outputs.length)} values`,
  );
  checkLimit(attributes.length, LIMIT.attributesOfNode, `has a node of ${attributes.length} attributes`);
  tally.operators.add(operator);
  for (const attribute of attributes) readAttribute(attribute, operator, outputs[0] ?? '', depth, tally);
  const input = inputs[SHAPE_INPUT[operator] ?? -1];
  if (input !== undefined && input !== '') tally.shapeInputs.push({ operator, input });
}

function readAttribute(bytes: Uint8Array, operator: string, output: string, depth: number, tally: Tally): void {
  for (const field of fields(bytes, ATTRIBUTE)) {
    switch (field.number) {
      case 1:
        text(field, LIMIT.name.value);
        break;
      case 5:
        store(contents(field), operator === 'Constant' ? output : '', tally);
        break;
      case 6:
        if (operator !== 'If') throw damaged(`gives ${quote(operator)} a graph of its own, which only “If” has`);
        readGraph(contents(field), depth + 1, tally);
        break;
      case 10:
      case 11:
      case 14:
      case 15:
      case 21:
      case 22:
      case 23:
        throw damaged(`gives ${quote(operator)} an attribute of a kind that no operator here has`);
    }
  }
}

/** @param output the value that the tensor is, '' for none; null where its own name says so */
function store(bytes: Uint8Array, output: string | null, tally: Tally): void {
  checkLimit(++tally.initializers, LIMIT.initializers, `has more than ${LIMIT.initializers.value.toLocaleString('en')} stored tensors`);
  const tensor = readTensor(bytes);
  tally.storedBytes += tensor.bytes;
  if (tensor.few) tally.few.set(output ?? tensor.name, tensor.few);
}

function readValue(bytes: Uint8Array, tally: Tally): void {
  checkLimit(++tally.values, LIMIT.values, `describes more than ${LIMIT.values.value.toLocaleString('en')} values`);
  let [name, type]: [string, Uint8Array | null] = ['', null];
  for (const field of fields(bytes, VALUE)) {
    if (field.number === 1) name = text(field, LIMIT.name.value);
    else if (field.number === 2) type = contents(field);
  }
  if (!type) return;
  for (const field of fields(type, TYPE)) {
    if (field.number === 1) tally.largestValue = Math.max(tally.largestValue, valueBytes(contents(field), name));
    else if (field.number !== 6) throw damaged(`has ${quote(name)}, which is no tensor`);
  }
}

/** Bytes of a described value, each axis that has no number counted as 1. */
function valueBytes(bytes: Uint8Array, name: string): number {
  let [size, dims]: [number, number[]] = [1, []];
  for (const field of fields(bytes, TENSOR_TYPE)) {
    if (field.number === 1) size = elementSize(integer(field));
    else dims = [...fields(contents(field), TENSOR_SHAPE)].map((axis) => axisOf(contents(axis)));
  }
  return size * elements(dims, name);
}

function axisOf(bytes: Uint8Array): number {
  let length = 1;
  for (const field of fields(bytes, DIMENSION)) {
    if (field.number === 1) length = integer(field);
    else text(field, LIMIT.name.value);
  }
  return length;
}

/** Tensors made from a shape that stands in the file: their sizes are known here, however small what makes them. */
function checkShapes({ few, shapeInputs }: Tally): void {
  for (const { operator, input } of shapeInputs) {
    const shape = few.get(input);
    if (!shape) continue;
    // A dimension below 1 means something else (empty, or as the input), and makes nothing larger.
    const product = shape.reduce((total, dim) => total * Math.max(1, dim), 1);
    checkLimit(product, LIMIT.constantElements, `makes a tensor of ${product.toLocaleString('en')} numbers by ${quote(operator)}`);
  }
}

function checkDomain(domain: string): void {
  if (domain === '' || domain === 'ai.onnx') return;
  throw damaged(`uses operators of the domain ${quote(domain)}, and only those of ONNX itself are run`);
}

function inRange(value: number, low: number, high: number, what: string): void {
  if (value >= low && value <= high) return;
  throw damaged(`has the ${what} ${value}, and this studio runs ${low} to ${high}`);
}
