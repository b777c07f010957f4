import type { BrowserHost } from './harness/browser-host.js';
import { StudioPage } from './harness/studio-page.js';
import { expect, test } from './harness/test.js';

test('two browsers see the same live state, whichever of them does something', async ({ studio }) => {
  const host = studio.host as BrowserHost;
  const other = new StudioPage(host, await host.another());
  await expect(other.generateButton).toBeVisible();

  await studio.start({ class: 'Circle', count: 1000, seed: 1 });
  // Progress and pictures come to both, and either may end what the other began.
  await expect(other.progress).toBeVisible();
  await expect(other.pictures.first()).toBeVisible();
  await other.stopButton.click();
  await expect(studio.stopButton).toBeHidden();
  const { total } = await studio.call('items.list', { limit: 1, before: null, kind: null, search: '' });
  expect(total).toBeLessThan(1000);
  await expect(studio.page.getByRole('list', { name: 'Queue' })).toContainText(`Stopped after ${total.toLocaleString('en')} of 1,000`);
  await expect(other.page.getByRole('list', { name: 'Queue' })).toContainText(`Stopped after ${total.toLocaleString('en')} of 1,000`);

  await other.page.evaluate((body) => fetch('/api/settings.set', body), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ theme: 'dark' }),
  });
  for (const { page } of [studio, other]) await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');

  // A third one, which comes late, sees what is there.
  const late = await host.another();
  await expect(late.locator('html')).toHaveAttribute('data-theme', 'dark');
  await expect(late.getByRole('listbox', { name: 'Pictures' }).getByRole('option').first()).toBeVisible();
});
