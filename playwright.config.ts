import { defineConfig } from '@playwright/test';
import type { HostOptions } from './test/e2e/harness/test.js';

const PACKED = '**/packed.spec.ts';

/** The same specs run against both hosts; those of one host alone are named `*.electron.spec.ts` and `*.browser.spec.ts`. */
export default defineConfig<object, HostOptions>({
  testDir: 'test/e2e',
  outputDir: 'test-results',
  // Two cores, and each test brings a whole studio with its engine process.
  workers: 1,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  forbidOnly: Boolean(process.env['CI']),
  // A machine that others load makes one of a hundred windows too slow now and then; what passes only then is listed as flaky.
  retries: process.env['CI'] ? 1 : 0,
  reporter: 'list',
  projects: [
    { name: 'electron', use: { host: 'electron' }, testIgnore: ['**/*.browser.spec.ts', PACKED] },
    { name: 'browser', use: { host: 'browser' }, testIgnore: ['**/*.electron.spec.ts', PACKED] },
    // Only where `npm test packed` has packed the application, on Linux.
    ...(process.env['RESGEN_PACKED'] ? [{ name: 'packed', testMatch: PACKED }] : []),
  ],
});
