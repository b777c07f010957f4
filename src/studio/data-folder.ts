import envPaths from 'env-paths';
import { resolve } from 'node:path';

/** `given`, else the environment's `RESGEN_DATA`, else the platform's place for application data (XDG on Linux). */
export function dataFolder(given?: string): string {
  return resolve(given ?? process.env['RESGEN_DATA'] ?? envPaths('ResGen Studio', { suffix: '' }).data);
}
