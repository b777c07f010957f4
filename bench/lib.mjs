import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'vite';
import { root } from '../scripts/lib/project.mjs';

export const cache = path.join(root, '.cache', 'bench');

/** Bundles a TypeScript file of this folder and imports it. */
export async function bundled(file) {
  const outDir = path.join(cache, 'build', path.basename(file, '.ts'));
  const output = { entryFileNames: '[name].mjs' };
  await build({
    configFile: false,
    logLevel: 'error',
    build: { ssr: path.join(root, 'bench', file), outDir, target: 'node20', emptyOutDir: true, rolldownOptions: { output } },
  });
  return import(pathToFileURL(path.join(outDir, file.replace(/\.ts$/, '.mjs'))).href);
}

/** Prints a report as JSON, four digits a number. */
export function printReport(report) {
  process.stdout.write(`${JSON.stringify(report, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value), 2)}\n`);
}
