import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

/** Only where `scripts/test-servers.mjs` has found a real inference server. */
const servers = process.env['RESGEN_MLSERVER'] ? ['test/servers/**/*.test.ts'] : [];

export default defineConfig({
  plugins: [svelte()],
  // Controllers use runes outside a component; the browser's build of Svelte runs them without a document.
  resolve: { conditions: ['browser'] },
  test: {
    include: ['test/unit/**/*.test.ts', 'test/faults/**/*.test.ts', ...servers],
    testTimeout: 30_000,
    // Hundreds of items are removed after some tests, on disks that are busy.
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
