import { expect, test, vi } from 'vitest';
import { Engine, listedProviders } from '../../../src/engine/index.js';
import { TINY } from './fixtures.js';

vi.mock('../../../src/engine/onnxruntime.js', () => ({
  onnxruntime: () => {
    throw new Error("Cannot find module '../bin/napi-v6/darwin/x64/onnxruntime_binding.node'");
  },
}));

test('without a library of onnxruntime the engine still loads, and says what it can not do', async () => {
  expect(listedProviders()).toEqual([]);
  await expect(Engine.load(TINY)).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringMatching(/^onnxruntime has no library for this machine, .* RESGEN_REMOTE/) as string,
  });
});
