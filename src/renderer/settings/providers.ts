import type { ProviderName } from '../../contract/index.js';

export const providerNames: Readonly<Record<ProviderName, string>> = {
  remote: 'Inference servers (KServe)',
  cuda: 'NVIDIA GPU (CUDA)',
  tensorrt: 'NVIDIA GPU (TensorRT)',
  coreml: 'Apple (Core ML)',
  dml: 'Windows GPU (DirectML)',
  webgpu: 'GPU (WebGPU)',
  cpu: 'Processor (CPU)',
};

export const providers = Object.keys(providerNames) as ProviderName[];
