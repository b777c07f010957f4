import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine, openPackage, readPackageFile, readSafetensors, verifyPackage } from '../../../src/engine/index.js';
import type { StepReport } from '../../../src/engine/index.js';
import { Sampling } from '../../../src/contract/sampling.js';
import { SAMPLING, TINY } from './fixtures.js';

/** Share of codes that are those of the whole seeded generation that the Python sampler recorded in the package. */
async function equalToGolden(engine: Engine): Promise<number> {
  const golden = readSafetensors(await readPackageFile(engine.pack, 'golden'));
  const sampling = Sampling.parse(JSON.parse(golden.metadata['sampling'] ?? ''));
  const seeds = new Uint32Array(Int32Array.from(golden.tensors.get('sample.in.seed')?.data ?? []));
  const condition = [...(golden.tensors.get('sample.in.condition')?.data ?? [])];
  const pictures = await engine.generate(
    condition.map((c, b) => ({ condition: c, seed: seeds[b] ?? 0 })),
    sampling,
  );
  const expected = golden.tensors.get('sample.out.tokens')?.data ?? [];
  const codes = pictures.flatMap((picture) => [...picture.tokens]);
  expect(codes).toHaveLength(expected.length);
  return codes.filter((code, place) => code === expected[place]).length / codes.length;
}

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.load(TINY, { provider: 'cpu', threads: 1 });
});
afterAll(() => engine.dispose());

describe('Engine on the tiny package', () => {
  test('passes its probe on the CPU and says how fast', () => {
    expect(engine.provider).toBe('cpu');
    expect(engine.probes).toHaveLength(1);
    expect(engine.probes[0]).toMatchObject({ name: 'cpu', state: 'active' });
    expect(engine.probes[0]?.stepMs).toBeGreaterThan(0);
    expect(engine.probes[0]?.maxError).toBeLessThan(1e-3);
  });

  test('repeats a whole seeded generation that the Python sampler recorded, code for code', async () => {
    expect(await equalToGolden(engine)).toBe(1);
  });

  test('a seed gives the same picture alone, in a batch and again', async () => {
    const [alone] = await engine.generate([{ condition: 1, seed: 77 }], SAMPLING);
    const items = [5, 77, 0xffff_ffff].map((seed) => ({ condition: 1, seed }));
    const batch = await engine.generate(items, SAMPLING);
    const again = await engine.generate(items, SAMPLING);
    expect(batch[1]?.tokens).toEqual(alone?.tokens);
    expect(batch[1]?.pixels).toEqual(alone?.pixels);
    expect(again).toEqual(batch);
    expect(batch[0]?.tokens).not.toEqual(batch[2]?.tokens);
  });

  test('decodes what it generated to the same pixels, and a shallower depth to others', async () => {
    const [picture] = await engine.generate([{ condition: 2, seed: 3 }], SAMPLING);
    if (!picture) throw new Error('no picture');
    expect(await engine.decode(picture.tokens, 4)).toEqual(picture.pixels);
    expect(await engine.decode(picture.tokens, 1)).not.toEqual(picture.pixels);
    expect(picture.pixels).toHaveLength(16 * 16 * 3);
  });

  test('encodes pixels to codes of the model, with what is left after each depth', async () => {
    const { tokens, residual } = await engine.encode(new Uint8Array(16 * 16 * 3).fill(128));
    expect(tokens).toHaveLength(16);
    expect(tokens.every((code) => code >= 0 && code < 16)).toBe(true);
    expect(residual.every((x) => x >= 0)).toBe(true);
  });

  test('previews are pictures of what is revealed so far, none at the last step', async () => {
    const reports: StepReport[] = [];
    await engine.generate(
      [{ condition: 0, seed: 1 }],
      { ...SAMPLING, steps: 255 },
      { previewEveryMs: 1, onStep: (report) => reports.push(report) },
    );
    const previews = reports.flatMap((report) => report.previews);
    expect(previews.length).toBeGreaterThan(0);
    expect(previews.every((pixels) => pixels.length === 16 * 16 * 3)).toBe(true);
    expect(reports.at(-1)?.previews).toEqual([]);
  });

  test('refuses what does not fit the model, in sentences', async () => {
    await expect(engine.generate([{ condition: 3, seed: 1 }], SAMPLING)).rejects.toThrow(/no class number 3: it has 3/);
    await expect(engine.decode(new Int32Array(16).fill(16), 4)).rejects.toThrow(/codes 0 to 15/);
    await expect(engine.decode(new Int32Array(15), 4)).rejects.toThrow(/4 positions of 4 tokens/);
    await expect(engine.encode(new Uint8Array(5))).rejects.toThrow(/16 by 16 pixels/);
  });
});

const SHIPPED = resolve('resources/models');
const shipped = existsSync(SHIPPED) ? readdirSync(SHIPPED).filter((name) => existsSync(join(SHIPPED, name, 'model.json'))) : [];

test.each(shipped)(
  'the shipped package %s is sound, and repeats its recorded generation where it makes pictures',
  { timeout: 120_000 },
  async (name) => {
    const folder = join(SHIPPED, name);
    expect(await verifyPackage(await openPackage(folder))).toEqual([]);
    const loaded = await Engine.load(folder, { provider: 'cpu' });
    // With this many codes two may be equally near somewhere, and one that flips moves what is drawn after it.
    if (loaded.pack.manifest.kind === 'image') expect(await equalToGolden(loaded)).toBeGreaterThan(0.9);
    await loaded.dispose();
  },
);

test('asks providers in order, says why each was refused, and ends on one that passes', async () => {
  const automatic = await Engine.load(TINY, { provider: 'auto', probeAll: true, threads: 1 });
  const active = automatic.probes.filter((probe) => probe.state === 'active');
  expect(active.map((probe) => probe.name)).toEqual([automatic.provider]);
  expect(automatic.probes.map((probe) => probe.name)).toEqual(['tensorrt', 'cuda', 'coreml', 'dml', 'webgpu', 'cpu']);
  for (const { reason } of automatic.probes) expect(reason).toMatch(/^[A-Z].*\.$/);
  await automatic.dispose();
});

test('a provider that this build does not have is refused with what to do', async () => {
  const absent = process.platform === 'win32' ? 'coreml' : 'dml';
  await expect(Engine.load(TINY, { provider: absent })).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining('Choose "Automatic"'),
  });
});
