import path from 'node:path';
import type { Page } from '@playwright/test';

/** The folder of package.json. */
export const projectRoot = path.resolve(import.meta.dirname, '..', '..', '..');

/** One running studio, whichever way it is shown. */
export interface Host extends AsyncDisposable {
  readonly page: Page;
  /** The process that owns the database. */
  readonly pid: number;
  /** Clicks what saves a file and waits until it is there. */
  download(click: () => Promise<void>): Promise<{ name: string; bytes: Buffer }>;
  /** As a power cut would: no process gets to say goodbye. */
  kill(): Promise<void>;
}
