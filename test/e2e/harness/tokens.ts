import { expect } from '@playwright/test';
import type { TokenSheet } from '../../../src/contract/index.js';
import type { StudioPage } from './studio-page.js';

/** Id of the item that is open. */
export async function inspected({ page }: StudioPage): Promise<string> {
  await expect(page.getByRole('application')).toBeVisible();
  return page.evaluate(() => location.hash.split('/').at(-1) ?? '');
}

export async function tokensOf(studio: StudioPage, id: string): Promise<{ sheet: TokenSheet; codes: number[] }> {
  const sheet = await studio.call('tokens.get', { id });
  return { sheet, codes: [...new Int32Array(Uint8Array.from(bytesOf(sheet.codes)).buffer)] };
}

/** Bytes as the page hands them to the test: as they are from Electron, in their JSON form from the browser host. */
function bytesOf(value: Uint8Array | { $bytes: string }): Uint8Array {
  return '$bytes' in value ? Buffer.from(value.$bytes, 'base64') : value;
}
