import { seriousProblems } from './harness/axe.js';
import { expect, test } from './harness/test.js';

const THEMES = ['Light', 'Dark'] as const;

for (const theme of THEMES) {
  test(`${theme.toLowerCase()}: nothing serious for axe on any page, and a screenshot of each`, async ({ studio }, info) => {
    const check = async (name: string) => {
      await info.attach(`${name}-${theme}.png`, {
        body: await studio.page.screenshot({ animations: 'disabled' }),
        contentType: 'image/png',
      });
      expect(await seriousProblems(studio), `axe on ${name}`).toEqual([]);
    };
    await studio.openSettings();
    await studio.page.getByRole('radiogroup', { name: 'Theme' }).getByText(theme, { exact: true }).click();
    await expect(studio.page.locator('html')).toHaveAttribute('data-theme', theme.toLowerCase());
    await studio.page.getByRole('button', { name: 'Test all' }).click();
    await expect(studio.page.getByRole('row', { name: /CPU/ })).toContainText('In use');
    await check('settings');

    await studio.openImages();
    await check('first-run');
    await studio.make({ class: 'Circle', count: 3, seed: 1 });
    await check('images');
    await studio.page.getByText('Advanced', { exact: true }).click();
    await check('advanced');
    await studio.pictures.first().click();
    await expect(studio.viewer).toBeVisible();
    await check('viewer');
  });
}

test('settings say which providers were tried, and why one is not used', async ({ studio }) => {
  await studio.openSettings();
  await studio.page.getByRole('button', { name: 'Test all' }).click();
  await expect(studio.page.getByRole('row', { name: /CPU/ })).toContainText('In use');
  await expect(studio.page.getByRole('row', { name: /CUDA/ })).toContainText(/Refused|Not here/);
  const tiny = studio.page.getByRole('article', { name: 'Tiny' });
  await tiny.getByRole('button', { name: 'Verify files' }).click();
  await expect(tiny).toContainText('Every file has the size and the SHA-256');
  await tiny.getByText('Model card').click();
  await expect(tiny.locator('.prose')).not.toBeEmpty();
});

test('a narrow window still has everything', async ({ studio }) => {
  await studio.page.setViewportSize({ width: 420, height: 560 });
  await studio.make({ class: 'Circle', count: 1, seed: 1 });
  await studio.pictures.first().scrollIntoViewIfNeeded();
  const overflow = await studio.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(overflow).toBe(0);
});
