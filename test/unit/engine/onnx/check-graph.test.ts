import { readFileSync } from 'node:fs';
import { join as path, resolve } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { LIMITS, StudioError } from '../../../../src/contract/index.js';
import { Engine } from '../../../../src/engine/index.js';
import { openPackage, verifyPackage } from '../../../../src/engine/package.js';
import { checkGraph } from '../../../../src/engine/onnx/check-graph.js';
import { ALLOWED_OPERATORS } from '../../../../src/engine/onnx/operators.js';
import { replaceFile, tinyCopy } from '../fixtures.js';
import { field, graph, join, model, node, tensor, value, varint } from './protobuf.js';

const GIB = 2 ** 30;
const LIMIT = LIMITS.graph.limits;
const floats = (count: number): Uint8Array => new Uint8Array(4 * count);
const int64 = (...values: number[]): Uint8Array => new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer);
const INT64 = 7;

function refusal(bytes: Uint8Array, cap = 8 * GIB): string {
  try {
    checkGraph(bytes, cap);
  } catch (error) {
    expect(error).toBeInstanceOf(StudioError);
    expect((error as StudioError).code).toBe('bad-file');
    return (error as StudioError).message;
  }
  return 'taken';
}

describe('a graph of a package', () => {
  test.each([
    'resources/models/fruits/step.onnx',
    'resources/models/fruits/decode.onnx',
    'resources/models/fruits/encode.onnx',
    'resources/models/voice-en/text.onnx',
    'resources/models/voice-en/step.onnx',
    'resources/models/voice-en/decode.onnx',
    'resources/models/voice-en/encode.onnx',
    'resources/models/voice-codec/decode.onnx',
    'resources/models/voice-codec/encode.onnx',
    'test/fixtures/speech/tiny-voice/text.onnx',
    'test/fixtures/speech/tiny-voice/step.onnx',
    'test/fixtures/models/tiny/step.onnx',
    'test/fixtures/models/tiny/decode.onnx',
    'test/fixtures/models/tiny/encode.onnx',
    'test/fixtures/codecs/tiny-codec/decode.onnx',
    'test/fixtures/codecs/tiny-codec/encode.onnx',
    'test/fixtures/codecs/tiny-dac/decode.onnx',
    'test/fixtures/codecs/tiny-dac/encode.onnx',
  ])('%s is taken', (file) => {
    const facts = checkGraph(readFileSync(resolve(file)), 8 * GIB);
    expect(facts.opset).toBe(20);
    expect(facts.nodes).toBeGreaterThan(50);
    expect([...facts.operators].every((name) => ALLOWED_OPERATORS.has(name))).toBe(true);
  });

  test('is counted as it is: the tiny step graph', () => {
    const facts = checkGraph(readFileSync(resolve('test/fixtures/models/tiny/step.onnx')), 8 * GIB);
    expect(facts).toMatchObject({ opset: 20, nodes: 352, initializers: 84 });
  });

  test('built by hand is one that onnxruntime takes', async () => {
    const bytes = model({ nodes: [node('Add', ['x', 'w'], ['y'])], initializers: [tensor('w', [2], floats(2))] });
    expect(refusal(bytes)).toBe('taken');
    const session = await InferenceSession.create(bytes);
    expect(session.inputNames).toEqual(['x']);
    await session.release();
  });
});

describe('a graph is refused', () => {
  test('with operators that are not on the list', () => {
    expect(refusal(model({ nodes: [node('Loop', ['x'], ['y'])] }))).toBe(
      'uses the operator “Loop”, which is not one that models here may use',
    );
    expect(refusal(model({ nodes: [node('RandomNormal', [], ['y'])] }))).toMatch(/“RandomNormal”/);
    expect(refusal(model({ nodes: [node('', ['x'], ['y'])] }))).toMatch(/^uses the operator/);
  });

  test('with operators of another domain, wherever it is named', () => {
    const wanted = 'uses operators of the domain “com.microsoft”, and only those of ONNX itself are run';
    expect(refusal(model({ domain: 'com.microsoft' }))).toBe(wanted);
    expect(refusal(model({ nodes: [node('Gelu', ['x'], ['y'], [field(7, 'com.microsoft')])] }))).toBe(wanted);
    expect(refusal(model({ extra: [field(8, join([field(1, 'com.microsoft'), field(2, 1)]))] }))).toBe(wanted);
  });

  test('with operators or a format too old or too new', () => {
    expect(refusal(model({ opset: 12 }))).toBe('has the set of operators 12, and this studio runs 13 to 23');
    expect(refusal(model({ opset: 24 }))).toMatch(/set of operators 24/);
    expect(refusal(model({ ir: 3 }))).toBe('has the file format 3, and this studio runs 7 to 11');
    expect(refusal(model({ extra: [field(8, field(2, 20))] }))).toBe('says twice which operators it uses');
    expect(refusal(join([field(1, 10), field(7, graph())]))).toBe('does not say which operators it uses');
  });

  test('with tensors in other files', () => {
    const elsewhere = join([field(1, 'location'), field(2, '../../etc/passwd')]);
    const kept = 'keeps “w” in another file, and everything has to be inside the graph';
    expect(refusal(model({ initializers: [join([field(8, 'w'), field(1, 2), field(2, 1), field(13, elsewhere)])] }))).toBe(kept);
    expect(refusal(model({ initializers: [join([tensor('w', [2], floats(2)), field(14, 1)])] }))).toBe(kept);
    const constant = field(5, join([field(1, 'value'), field(5, join([tensor('w', [2], floats(2)), field(14, 1)]))]));
    expect(refusal(model({ nodes: [node('Constant', [], ['y'], [constant])] }))).toBe(kept);
  });

  test('with functions, training steps or devices of its own', () => {
    expect(refusal(model({ extra: [field(25, field(1, 'f'))] }))).toMatch(/^has functions of its own/);
    expect(refusal(model({ extra: [field(20, '')] }))).toMatch(/^has training steps/);
    expect(refusal(model({ extra: [field(26, '')] }))).toMatch(/^asks to be spread over devices/);
    expect(refusal(model({ nodes: [node('Add', ['x', 'x'], ['y'], [field(8, 'f')])] }))).toMatch(/^calls a function/);
  });

  test('with graphs too deep inside each other, or inside what has none', () => {
    const branch = (inner: Uint8Array): Uint8Array =>
      graph({ nodes: [node('If', ['x'], ['y'], [field(5, join([field(1, 'then_branch'), field(6, inner)]))])] });
    let nested = graph();
    for (let i = 1; i < LIMIT.subgraphs.value; i++) nested = branch(nested);
    const of = (inside: Uint8Array): Uint8Array => join([field(1, 10), field(7, inside), field(8, field(2, 20))]);
    expect(refusal(of(nested))).toBe('taken');
    expect(refusal(of(branch(nested)))).toMatch(/^has graphs 5 deep inside each other; the limit is 4 \(.*overflows the stack\)$/);
    const hidden = field(5, join([field(1, 'body'), field(6, graph())]));
    expect(refusal(model({ nodes: [node('Add', ['x', 'x'], ['y'], [hidden])] }))).toMatch(/^gives “Add” a graph of its own/);
    expect(refusal(model({ nodes: [node('If', ['x'], ['y'], [field(5, join([field(1, 'b'), field(11, graph())]))])] }))).toMatch(
      /attribute/,
    );
  });

  test('with too many nodes, tensors, values, inputs or attributes', () => {
    const times = (count: number, one: Uint8Array): Uint8Array[] => [join(Array.from({ length: count }, () => one))];
    expect(refusal(model({ more: times(LIMIT.nodes.value, field(1, node('Identity', ['x'], ['y']))) }))).toMatch(
      /^has more than 50,000 nodes; the limit is 50,000 \(the largest graph that ships has 1,318\)$/,
    );
    const empty = field(5, tensor('w', [0], floats(0)));
    expect(refusal(model({ more: times(LIMIT.initializers.value + 1, empty) }))).toMatch(/^has more than 20,000 stored tensors/);
    const described = field(13, value('v', [1]));
    expect(refusal(model({ more: times(LIMIT.values.value, described) }))).toMatch(/^describes more than 100,000 values/);
    const many = Array.from({ length: LIMIT.valuesOfNode.value + 1 }, () => 'x');
    expect(refusal(model({ nodes: [node('Concat', many, ['y'])] }))).toMatch(/^has a node of 1025 values/);
    const attributes = Array.from({ length: LIMIT.attributesOfNode.value + 1 }, () => field(5, field(1, 'a')));
    expect(refusal(model({ nodes: [node('Add', ['x', 'x'], ['y'], attributes)] }))).toMatch(/^has a node of 65 attributes/);
  });

  test('with tensors that hold more or fewer numbers than they say', () => {
    const wrong = (bytes: Uint8Array): string => refusal(model({ initializers: [bytes] }));
    expect(wrong(tensor('w', [3], floats(2)))).toBe('has 8 bytes for “w”, whose shape needs 12');
    expect(wrong(tensor('w', [2 ** 40], floats(2)))).toBe('has 8 bytes for “w”, whose shape needs 4398046511104');
    expect(wrong(tensor('w', [2 ** 40, 2 ** 40], floats(2)))).toBe('gives “w” more numbers than any machine holds');
    expect(wrong(tensor('w', [-1n, 2], floats(2)))).toBe('gives “w” an axis of -1');
    expect(wrong(tensor('w', [2n ** 62n], floats(2)))).toBe('has a number too large to count with');
    expect(
      wrong(
        tensor(
          'w',
          Array.from({ length: 9 }, () => 1),
          floats(1),
        ),
      ),
    ).toMatch(/^gives a tensor 9 axes; the limit is 8/);
    expect(wrong(tensor('w', [2], floats(2), 8))).toBe('has numbers of the type 8, which this studio does not use');
    expect(wrong(join([field(8, 'w'), field(1, 3), field(2, 1), field(4, floats(2))]))).toBe('has 2 numbers for “w”, whose shape needs 3');
    expect(wrong(join([field(8, 'w'), field(1, 2), field(2, 1), field(7, join([varint(1), varint(2)]))]))).toMatch(/another type/);
    expect(wrong(join([tensor('w', [2], floats(2)), field(4, floats(2))]))).toBe('gives “w” its numbers twice');
    expect(wrong(join([tensor('w', [2], floats(2)), field(8, 'v')]))).toBe('has the field number 8 twice in one tensor');
  });

  test('that makes something huge out of a few bytes', () => {
    const shape = tensor('s', [3], int64(4096, 4096, 4096), INT64);
    const made = /^makes a tensor of 68,719,476,736 numbers by “ConstantOfShape”; the limit is 268,435,456/;
    expect(refusal(model({ nodes: [node('ConstantOfShape', ['s'], ['y'])], initializers: [shape] }))).toMatch(made);
    // Named before it is known, and as a node.
    const constant = node('Constant', [], ['s'], [field(5, join([field(1, 'value'), field(5, shape)]))]);
    expect(refusal(model({ nodes: [node('ConstantOfShape', ['s'], ['y']), constant] }))).toMatch(made);
    const small = tensor('s', [2], int64(-1, 64), INT64);
    expect(refusal(model({ nodes: [node('Expand', ['x', 's'], ['y'])], initializers: [small] }))).toBe('taken');
  });

  test('that needs more memory than there is', () => {
    const halves = model({ initializers: [tensor('w', [1024], new Uint8Array(2048), 10)] });
    // Two bytes each as they are stored, four as they are run.
    expect(checkGraph(halves, GIB).memoryBytes).toBe(1024 * 6 + 8);
    expect(refusal(halves, 4096)).toBe('needs at least 6 KiB of memory, and this machine can give it 4 KiB');
    expect(refusal(model({ more: [field(13, value('big', [65_536, 65_536]))] }), GIB)).toMatch(/^needs at least 16 GiB/);
  });

  test('that is no ONNX file, or ends too early', () => {
    expect(refusal(new Uint8Array())).toMatch(/^has the file format 0/);
    expect(refusal(new TextEncoder().encode('<html>'))).not.toBe('taken');
    const bytes = readFileSync(resolve('test/fixtures/models/tiny/decode.onnx'));
    for (const part of [1, 10, 1000, bytes.length - 1]) expect(refusal(bytes.subarray(0, part))).not.toBe('taken');
    // A length of 2^63, and one of 2^35 more than there is.
    expect(refusal(join([varint(7 * 8 + 2), varint(2n ** 63n)]))).toBe('ends inside its model');
    expect(refusal(join([varint(7 * 8 + 2), varint(2 ** 35)]))).toBe('ends inside its model');
    expect(refusal(Uint8Array.from({ length: 20 }, () => 0xff))).toBe('has a number without an end in its model');
    expect(refusal(join([field(1, 10), field(7, graph()), field(7, graph())]))).toBe('has the field number 7 twice in one model');
    expect(refusal(field(99, 1))).toBe('has a field number 99 in its model, which this studio does not know');
  });
});

describe('a package with such a graph', () => {
  test('is refused with its sentence before onnxruntime sees it, and verify says the same', async () => {
    const folder = await tinyCopy();
    await replaceFile(folder, 'decode', 'decode.onnx', model({ nodes: [node('Loop', ['x'], ['y'])] }));
    const sentence =
      'The model package "tiny" can\'t be used: its decode graph uses the operator “Loop”, which is not one that models here may use. Install the package again.';
    await expect(Engine.load(folder, { provider: 'cpu' })).rejects.toThrow(sentence);
    expect(await verifyPackage(await openPackage(folder))).toEqual([sentence]);
    expect(readFileSync(path(folder, 'decode.onnx')).length).toBeLessThan(100);
  });
});
