import path from 'node:path';
import { root } from './project.mjs';
import { PythonEnvironment } from './python-environment.mjs';

/** A real inference server for tests and measurements alone. */
export const mlserver = new PythonEnvironment(
  process.env.RESGEN_MLSERVER_VENV ?? path.join(root, '.cache', 'mlserver'),
  ['mlserver==1.7.1', 'onnxruntime'],
  ['mlserver', 'onnxruntime'],
);
