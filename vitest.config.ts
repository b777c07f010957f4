import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [svelte()],
  // Controllers use runes outside a component; the browser's build of Svelte runs them without a document.
  resolve: { conditions: ['browser'] },
  test: { include: ['test/unit/**/*.test.ts', 'test/faults/**/*.test.ts'], testTimeout: 30_000, maxWorkers: 2 },
});
