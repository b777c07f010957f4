import { createRequire } from 'node:module';

type OnnxRuntime = typeof import('onnxruntime-node');

let loaded: OnnxRuntime | undefined;

/**
 * onnxruntime, loaded at its first use and not with the engine: it has no library for some machines (Macs with an Intel processor), where
 * inference servers can still run a model, and tokens can still be looked into.
 * @throws what the system's loader says
 */
export function onnxruntime(): OnnxRuntime {
  if (loaded) return loaded;
  loaded = createRequire(import.meta.url)('onnxruntime-node') as OnnxRuntime;
  // What goes wrong is thrown; a second copy of it on stderr would only reach the person at the command line.
  loaded.env.logLevel = 'fatal';
  return loaded;
}
