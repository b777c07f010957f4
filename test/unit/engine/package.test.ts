import { mkdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  Engine,
  inspectPackage,
  openPackage,
  readPackageFile,
  readSafetensors,
  verifyPackage,
  writeSafetensors,
} from '../../../src/engine/index.js';
import { type Json, TINY, changeManifest, replaceFile, temporaryFolder, tinyCopy } from './fixtures.js';

describe('a sound package', () => {
  test('opens, verifies and reads', async () => {
    const pack = await openPackage(TINY);
    expect(pack.manifest).toMatchObject({ id: 'tiny', tokens: { L: 4, D: 4, V: 16, H: 8 } });
    expect(await verifyPackage(pack)).toEqual([]);
    const codebooks = readSafetensors(await readPackageFile(pack, 'codebooks'));
    expect(codebooks.tensors.get('codebooks')?.shape).toEqual([4, 16, 8]);
  });
});

describe('a bad package is refused with a sentence that names it, the file and what to do', () => {
  const cases: [string, (folder: string) => Promise<unknown>, RegExp][] = [
    ['an empty folder', async (folder) => rm(join(folder, 'model.json')), /model\.json is missing\. Install the package again\./],
    ['a cut-off manifest', (folder) => truncate(join(folder, 'model.json'), 100), /model\.json is not JSON; it may have been cut off/],
    [
      'a huge manifest',
      (folder) => writeFile(join(folder, 'model.json'), ' '.repeat((1 << 20) + 1)),
      /model\.json is too large: the limit is 1 MiB/,
    ],
    [
      'a newer format',
      (folder) => changeManifest(folder, (m) => Object.assign(m, { format: 2, news: true })),
      /package format 2 and this studio reads up to 1\. Update the studio/,
    ],
    [
      'a field that is not known',
      (folder) => changeManifest(folder, (m) => Object.assign(m, { script: 'x' })),
      /model\.json is not valid: .*script/,
    ],
    [
      'a shape beyond the limits',
      (folder) => changeManifest(folder, (m) => Object.assign(m, { tokens: { L: 1e9, D: 4, V: 16, H: 8 } })),
      /not valid: tokens\.L/,
    ],
    [
      'a file outside the folder',
      (folder) =>
        changeManifest(folder, (m) =>
          Object.assign(m['files'] as Json, { card: { path: '../card.md', bytes: 1, sha256: '0'.repeat(64) } }),
        ),
      /files\.card\.path: must be a plain file name/,
    ],
    ['a missing file', (folder) => rm(join(folder, 'decode.onnx')), /decode\.onnx is missing\. Install the package again\./],
    [
      'a truncated file',
      (folder) => truncate(join(folder, 'step.onnx'), 1000),
      /step\.onnx has 1000 bytes and should have \d+\. Install the package again\./,
    ],
    [
      'a link',
      async (folder) => {
        await rename(join(folder, 'card.md'), join(folder, '..', 'card.md'));
        await symlink(join(folder, '..', 'card.md'), join(folder, 'card.md'));
      },
      /card\.md is a link/,
    ],
    [
      'a folder in place of a file',
      async (folder) => {
        await rm(join(folder, 'card.md'));
        await mkdir(join(folder, 'card.md'));
      },
      /card\.md is not a plain file/,
    ],
  ];
  test.each(cases)('%s', async (_, spoil, message) => {
    const folder = await tinyCopy();
    await spoil(folder);
    await expect(openPackage(folder)).rejects.toMatchObject({ code: 'bad-model', message: expect.stringMatching(message) });
    await expect(openPackage(folder)).rejects.toThrow(/^The model package "tiny" can't be used: /);
    const listed = await inspectPackage(folder);
    expect(listed).toMatchObject({ id: 'tiny', folder, manifest: null, problem: expect.stringMatching(message) });
  });

  test('a folder that is not there', async () => {
    await expect(openPackage(join(await temporaryFolder(), 'none'))).rejects.toThrow(/model\.json is missing/);
  });
});

describe('a package that is tampered with', () => {
  test('one changed byte is found by verify, named, and refused on loading', async () => {
    const folder = await tinyCopy();
    const card = await readFile(join(folder, 'card.md'));
    card[0] = (card[0] ?? 0) ^ 1;
    await writeFile(join(folder, 'card.md'), card);
    const pack = await openPackage(folder);
    expect(await verifyPackage(pack)).toEqual([
      expect.stringMatching(/card\.md is not the file the package was made with .*Install the package again\./),
    ]);
    await expect(Engine.load(folder, { provider: 'cpu' })).rejects.toMatchObject({ code: 'bad-model' });
  });

  test.each([
    [
      'a graph that is no graph',
      'decode',
      'decode.onnx',
      new Uint8Array(100),
      /its decode graph has a field number 0 in its model\. Install/,
    ],
    [
      'a golden file that is no safetensors',
      'golden',
      'golden.safetensors',
      new Uint8Array(3),
      /golden\.safetensors is too short to be a safetensors file/,
    ],
    [
      'a golden file without its tensors',
      'golden',
      'golden.safetensors',
      writeSafetensors({}),
      /golden\.safetensors has no tensor step\.in\.tokens/,
    ],
  ])('%s', async (_, name, path, bytes, message) => {
    const folder = await tinyCopy();
    await replaceFile(folder, name, path, bytes);
    await expect(Engine.load(folder, { provider: 'cpu' })).rejects.toThrow(message);
  });

  test('graphs that contradict the manifest are named with what differs', async () => {
    const other = await tinyCopy();
    await changeManifest(other, (m) => Object.assign(m, { tokens: { L: 4, D: 3, V: 16, H: 8, K: 8, grid: [2, 2] }, sigma: [1, 1, 1] }));
    await expect(Engine.load(other, { provider: 'cpu' })).rejects.toThrow(
      /its decode graph has an input tokens of shape \[B, 4, 4\], not \[B, 4, 3\]/i,
    );

    const swapped = await tinyCopy();
    await replaceFile(swapped, 'step', 'step.onnx', await readFile(join(TINY, 'decode.onnx')));
    await expect(Engine.load(swapped, { provider: 'cpu' })).rejects.toThrow(
      /its step graph has an input depth that this studio does not know/,
    );
  });

  test('a golden output that the graphs do not give fails the probe', async () => {
    const folder = await tinyCopy();
    const golden = readSafetensors(await readFile(join(folder, 'golden.safetensors')));
    const tensors = Object.fromEntries(golden.tensors);
    const proposed = tensors['step.out.proposed'];
    if (!proposed) throw new Error('no golden codes');
    tensors['step.out.proposed'] = { ...proposed, data: proposed.data.map((code) => (code + 1) % 16) as Int32Array };
    await replaceFile(folder, 'golden', 'golden.safetensors', writeSafetensors(tensors, golden.metadata));
    await expect(Engine.load(folder, { provider: 'auto' })).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/The CPU: Gave wrong results: only 0\.0 % of the codes/),
    });
  });
});

test('a tokenizer without a step graph loads and decodes, and says that it can not generate', async () => {
  const folder = await tinyCopy();
  await changeManifest(folder, (m) => delete (m['files'] as Json)['step']);
  const engine = await Engine.load(folder, { provider: 'cpu', threads: 1 });
  expect(engine.probes[0]).toMatchObject({ state: 'active', stepMs: null });
  expect(await engine.decode(new Int32Array(16), 4)).toHaveLength(16 * 16 * 3);
  await expect(
    engine.generate([{ condition: 0, seed: 1 }], {
      steps: 1,
      schedule: 'circle',
      guidanceFrom: 0,
      guidanceTo: 0,
      topP: 1,
      tau: 0,
      noise: 1,
      reveal: 'random',
    }),
  ).rejects.toThrow(/tokenizer only/);
  await engine.dispose();
});
