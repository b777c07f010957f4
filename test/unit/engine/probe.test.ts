import { describe, expect, test } from 'vitest';
import type { ProviderName } from '../../../src/contract/records.js';
import { type Attempt, chooseProvider, compareStep } from '../../../src/engine/probe.js';
import { providerFailure } from '../../../src/engine/provider-failure.js';
import type { GraphSession } from '../../../src/engine/session.js';

/** A provider that takes `ms` a step, or fails where it is a sentence. */
type Behaviour = number | string;

function machine(behaviours: Partial<Record<ProviderName, Behaviour>>) {
  const asked: ProviderName[] = [];
  const released: ProviderName[] = [];
  const attempt = (name: ProviderName): Promise<Attempt> => {
    asked.push(name);
    const behaviour = behaviours[name];
    if (typeof behaviour !== 'number') return Promise.resolve({ sessions: null, measurement: null, problem: behaviour ?? null });
    const release = () => Promise.resolve(void released.push(name));
    // Only its release matters here.
    const decode = { release } as unknown as GraphSession;
    return Promise.resolve({
      sessions: { step: null, decode },
      measurement: { ms: behaviour, stepMs: behaviour, maxError: 0, wrong: null },
      problem: null,
    });
  };
  return { asked, released, attempt, listed: Object.keys(behaviours) as ProviderName[] };
}

describe('chooseProvider', () => {
  test('takes the first that passes and is not slower than the CPU', async () => {
    const { attempt, listed, asked, released } = machine({ cuda: 'Its libraries are not installed here.', webgpu: 5, cpu: 20 });
    const choice = await chooseProvider({ wanted: 'auto', probeAll: false, listed, attempt });
    expect(choice.provider).toBe('webgpu');
    expect(asked).toEqual(['cuda', 'webgpu', 'cpu']);
    expect(released).toEqual(['cpu']);
    expect(choice.probes.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'tensorrt absent',
      'cuda refused',
      'coreml absent',
      'dml absent',
      'webgpu active',
      'cpu usable',
    ]);
  });

  test('an accelerator that is slower than the CPU gives way to it and says so', async () => {
    const { attempt, listed, released } = machine({ webgpu: 900, cpu: 20 });
    const choice = await chooseProvider({ wanted: 'auto', probeAll: false, listed, attempt });
    expect(choice.provider).toBe('cpu');
    expect(released).toEqual(['webgpu']);
    expect(choice.probes.find(({ name }) => name === 'webgpu')).toMatchObject({
      state: 'refused',
      reason: 'Slower than the CPU: 900 ms a step against 20 ms a step.',
      stepMs: 900,
    });
  });

  test('does not ask the others once one has passed, unless all are to be timed', async () => {
    const few = machine({ cuda: 2, webgpu: 5, cpu: 20 });
    await chooseProvider({ wanted: 'auto', probeAll: false, listed: few.listed, attempt: few.attempt });
    expect(few.asked).toEqual(['cuda', 'cpu']);
    const all = machine({ cuda: 2, webgpu: 5, cpu: 20 });
    const choice = await chooseProvider({ wanted: 'auto', probeAll: true, listed: all.listed, attempt: all.attempt });
    expect(all.asked).toEqual(['cuda', 'webgpu', 'cpu']);
    expect(all.released).toEqual(['webgpu', 'cpu']);
    expect(choice.probes.filter(({ state }) => state === 'usable').map(({ name }) => name)).toEqual(['webgpu', 'cpu']);
  });

  test('one that is asked for by name is taken though it is slow, and its failure is no silent change to another', async () => {
    const slow = machine({ webgpu: 900, cpu: 20 });
    expect((await chooseProvider({ wanted: 'webgpu', probeAll: true, listed: slow.listed, attempt: slow.attempt })).provider).toBe(
      'webgpu',
    );
    const broken = machine({ webgpu: 'This machine offers it no graphics adapter.', cpu: 20 });
    await expect(
      chooseProvider({ wanted: 'webgpu', probeAll: true, listed: broken.listed, attempt: broken.attempt }),
    ).rejects.toMatchObject({
      code: 'refused',
      message: 'WebGPU can\'t run this model: This machine offers it no graphics adapter. Choose "Automatic" as the provider in Settings.',
    });
    expect(broken.released).toEqual(['cpu']);
  });

  test('when none passes, every reason is told', async () => {
    const { attempt, listed } = machine({ webgpu: 'One.', cpu: 'Two.' });
    await expect(chooseProvider({ wanted: 'auto', probeAll: false, listed, attempt })).rejects.toThrow(/WebGPU: One\. The CPU: Two\./);
  });
});

describe('compareStep', () => {
  const want = { proposed: Int32Array.from([1, 2, 3, 4]), confidence: Float32Array.from([-1, -3, -7, 0]) };
  test('a flipped code counts as unequal and its confidence is left out', () => {
    const got = { proposed: Int32Array.from([1, 2, 9, 4]), confidence: Float32Array.from([-1.02, -3, -99, 0]) };
    const { equalCodes, maxError } = compareStep(got, want);
    expect(equalCodes).toBe(0.75);
    expect(maxError).toBeCloseTo(0.01, 5);
  });
  test('a confidence that is no number is an error without bound', () => {
    expect(compareStep({ ...want, confidence: Float32Array.from([NaN, -3, -7, 0]) }, want).maxError).toBeNaN();
  });
});

test('failures of onnxruntime become sentences', () => {
  expect(providerFailure(new Error('OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library'))).toMatch(
    /libraries are not installed/,
  );
  expect(providerFailure(new Error('/build/x.cc:136 ... Failed to get a WebGPU adapter: No supported adapters'))).toMatch(
    /no graphics adapter/,
  );
  expect(providerFailure(new Error('out of memory.\nstack'))).toBe('It failed here: out of memory.');
});
