import { join, resolve } from 'node:path';
import { build } from 'vite';

const root = resolve(import.meta.dirname, '..', '..');

/** Bundles a script of this folder that runs as a process of its own, in a folder of its own, since test files run at once. */
export async function bundleHost(name: string): Promise<string> {
  const outDir = join(root, '.cache', 'faults', name);
  const output = { entryFileNames: '[name].mjs', chunkFileNames: 'chunks/[name]-[hash].mjs' };
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: join(root, 'test', 'faults', `${name}.ts`),
      outDir,
      target: 'node20',
      emptyOutDir: true,
      rolldownOptions: { output },
    },
  });
  return join(outDir, `${name}.mjs`);
}
