import type { StudioPage } from './studio-page.js';
import { expect } from './test.js';

export async function openVoices({ page }: StudioPage): Promise<void> {
  await page.getByRole('link', { name: 'Voices', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'New voice', level: 1 })).toBeVisible();
}

export async function signAndSave({ page }: StudioPage, name: string): Promise<void> {
  await page.getByLabel('Name of the voice').fill(name);
  await page.getByLabel('Your name, as a signature').fill('Ada Byron');
  await page.getByRole('button', { name: 'Agree and save' }).click();
  await expect(page.getByRole('listitem', { name })).toBeVisible();
}
