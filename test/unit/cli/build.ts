import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'vite';

const root = path.resolve(import.meta.dirname, '..', '..', '..');

/**
 * Builds the command line and the engine process as the product does, into a folder under the repository (so that packages resolve), with
 * a page in place of the renderer. Returns the file to run. Test files run beside each other, so each has a name of its own.
 */
export async function buildCommandLine(name: string): Promise<string> {
  const out = path.join(root, '.cache', 'cli-test', name, 'out');
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: true,
      target: 'node20',
      outDir: path.join(out, 'main'),
      emptyOutDir: true,
      rolldownOptions: {
        input: { cli: path.join(root, 'src', 'cli', 'index.ts'), engine: path.join(root, 'src', 'engine', 'process.ts') },
        output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
      },
    },
  });
  // Beside what is built, as in the repository.
  cpSync(path.join(root, 'resources', 'text'), path.join(out, '..', 'resources', 'text'), { recursive: true });
  mkdirSync(path.join(out, 'renderer'), { recursive: true });
  writeFileSync(path.join(out, 'renderer', 'index.html'), '<!doctype html><title>Studio</title>');
  return path.join(out, 'main', 'cli.js');
}
