import { existsSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import type { EngineRequest } from '../../../src/contract/engine.js';
import { EngineUnderTest, bundleEngineProcess } from './engine-process.js';
import { SAMPLING, TINY } from './fixtures.js';

/** SwiftShader, a Vulkan driver in software that Debian's `chromium` brings along. */
const ICD = '/usr/lib/chromium/vk_swiftshader_icd.json';
const available = existsSync(ICD);
if (!available) console.log(`WebGPU is not tested here: there is no ${ICD} (Debian: apt install chromium libvulkan1).`);

describe.skipIf(!available)('WebGPU on SwiftShader', () => {
  let engine: EngineUnderTest | undefined;
  afterAll(() => engine?.stop());

  test('passes its probe and gives the same tokens as the CPU', { timeout: 300_000 }, async () => {
    engine = await EngineUnderTest.start(await bundleEngineProcess('webgpu'), { VK_ICD_FILENAMES: ICD });
    const generate = (id: number): EngineRequest => ({
      type: 'generate',
      id,
      items: [{ classIndex: 1, seed: 7 }],
      sampling: SAMPLING,
      previewEveryMs: null,
    });

    engine.send({ type: 'load', id: 1, folder: TINY, provider: 'webgpu', probeAll: false });
    expect(await engine.final(1)).toMatchObject({ type: 'loaded', provider: 'webgpu', probes: [{ name: 'webgpu', state: 'active' }] });
    engine.send(generate(2));
    const onWebGpu = await engine.final(2);

    engine.send({ type: 'load', id: 3, folder: TINY, provider: 'cpu', probeAll: false });
    engine.send(generate(4));
    const onCpu = await engine.final(4);

    if (onWebGpu.type !== 'generated' || onCpu.type !== 'generated') throw new Error('not generated');
    expect(onWebGpu.results[0]?.tokens).toEqual(onCpu.results[0]?.tokens);
  });
});
