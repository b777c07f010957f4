import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { ElectronHost } from './harness/electron-host.js';
import { enginePid } from './harness/processes.js';
import { expect, test } from './harness/test.js';

test('a studio that was killed offers a report at the next start, until it is dismissed', async ({ launch, data }) => {
  const first = await launch();
  await first.make({ class: 'Circle', count: 1, seed: 1 });
  await first.host.kill();

  const second = await launch();
  const offer = second.page.getByRole('alert').filter({ hasText: 'The studio ended without closing.' });
  await expect(offer).toContainText('Nothing was sent');
  if (second.host instanceof ElectronHost) {
    const { app } = second.host;
    await app.evaluate(({ shell }) => {
      shell.openPath = (folder) => {
        Object.assign(globalThis, { opened: folder });
        return Promise.resolve('');
      };
    });
    await offer.getByRole('button', { name: 'Open folder' }).click();
    await expect.poll(() => app.evaluate(() => (globalThis as { opened?: string }).opened)).toBe(path.join(data.studio, 'reports'));
  } else {
    await expect(offer.getByRole('button', { name: 'Open folder' })).toHaveCount(0);
  }

  await offer.getByRole('button', { name: 'Show report' }).click();
  const dialog = second.page.getByRole('dialog', { name: 'Crash report' });
  const text = dialog.getByLabel('Text of the report');
  await expect(text).toContainText('was sent to nobody');
  await expect(text).toContainText(/job \w+ done: 1 of 1 done/);
  await expect(text).not.toContainText(/circle/i);
  await dialog.getByRole('button', { name: 'Close', exact: true }).last().click();

  await offer.getByRole('button', { name: 'Dismiss the report' }).click();
  await expect(offer).toHaveCount(0);
  await second.host[Symbol.asyncDispose]();

  const third = await launch();
  await expect(third.pictures).toHaveCount(1);
  await expect(third.page.getByRole('alert')).toHaveCount(0);
  // Still there for whoever wants to look.
  expect(await readdir(path.join(data.studio, 'reports'))).toHaveLength(1);
  await third.openSettings();
  await expect(third.page.getByText('1 report, kept here')).toBeVisible();
});

test('a killed engine process and an error of the page are offered at once', async ({ studio }) => {
  await studio.start({ class: 'Circle', count: 40, seed: 1 });
  await expect(studio.pictures.first()).toBeVisible();
  process.kill(Number(enginePid(studio.host.pid)), 'SIGKILL');
  const offered = studio.page.getByRole('alert').filter({ hasText: 'Nothing was sent' });
  await expect(offered).toContainText('The engine process stopped (signal SIGKILL).');
  await studio.page.evaluate(() => {
    setTimeout(() => {
      throw new Error('nobody caught this');
    });
  });
  const offer = studio.page.getByRole('alert').filter({ hasText: 'A page of the studio met an error.' });
  await expect(offer).toContainText('There are 2 reports');
  await offer.getByRole('button', { name: 'Show report' }).click();
  const dialog = studio.page.getByRole('dialog', { name: 'Crash report' });
  await expect(dialog.getByLabel('Text of the report')).toContainText('nobody caught this');
  await dialog.getByRole('combobox', { name: 'Report' }).selectOption({ index: 1 });
  await expect(dialog.getByLabel('Text of the report')).toContainText('signal SIGKILL');
});

test('the licences of all parts are in Settings', async ({ studio }) => {
  await studio.openSettings();
  await studio.page.getByText('Licences of all parts').click();
  await studio.page.getByRole('searchbox', { name: 'Search the parts' }).fill('onnxruntime-node');
  await studio.page.getByRole('button', { name: /^onnxruntime-node/ }).click();
  await expect(studio.page.getByLabel('Licence of onnxruntime-node')).toContainText('Copyright (c) Microsoft Corporation');
});
