import path from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'electron-vite';
import { licencesPlugin } from './scripts/lib/licences.mjs';

const src = (...parts: string[]) => path.resolve(import.meta.dirname, 'src', ...parts);

// Targets are written by hand: the tests run an older Electron than the one that ships, and both must load the same build.
export default defineConfig({
  main: {
    plugins: [licencesPlugin(import.meta.dirname)],
    build: {
      target: 'node20',
      // It comes in a hundred files, of which every process would read most as it starts.
      externalizeDeps: { exclude: ['zod'] },
      rolldownOptions: {
        input: { index: src('main', 'index.ts'), engine: src('engine', 'process.ts'), cli: src('cli', 'index.ts') },
        output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
      },
    },
  },
  preload: {
    build: {
      target: 'node20',
      // A sandboxed preload can require nothing but electron, and only as CommonJS: everything else goes into the one file.
      externalizeDeps: false,
      rolldownOptions: {
        input: { index: src('preload', 'index.ts') },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: src('renderer'),
    plugins: [svelte()],
    build: {
      target: 'chrome130',
      // electron-vite leaves it out by default: half of what the page reads and compiles before it can draw.
      minify: true,
      outDir: path.resolve(import.meta.dirname, 'out', 'renderer'),
      // `/assets/` is the studio's own address for pictures and exports.
      assetsDir: 'static',
      rolldownOptions: { input: src('renderer', 'index.html') },
    },
  },
});
