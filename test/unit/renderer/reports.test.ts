import { expect, test } from 'vitest';
import type { CrashReport } from '../../../src/contract/index.js';
import { Reports } from '../../../src/renderer/reports/reports.svelte.js';
import { Notices } from '../../../src/renderer/shared/notices.svelte.js';
import { FakeBridge, type Handlers } from './fakes.js';

const report = (n: number, isNew = true): CrashReport => ({
  name: `2026-11-25T07-10-02-00${n}Z`,
  at: n,
  title: `Crash ${n}.`,
  isNew,
});

function reports(handlers: Handlers): { reports: Reports; bridge: FakeBridge; notices: Notices } {
  const bridge = new FakeBridge(handlers);
  const notices = new Notices();
  return { reports: new Reports(bridge, notices), bridge, notices };
}

test('offers what is new, also what comes while the window is open, until somebody dismisses it', async () => {
  const { reports: page, bridge } = reports({ 'reports.list': () => [report(2), report(1, false)], 'reports.dismiss': () => null });
  await page.load();
  expect(page.offered).toEqual([report(2)]);
  page.onEvent({ name: 'reportAdded', payload: report(3) });
  page.onEvent({ name: 'reportAdded', payload: report(3) });
  expect(page.offered).toEqual([report(3), report(2)]);
  await page.dismiss();
  expect(bridge.called('reports.dismiss')).toEqual([null]);
  // Whichever window it was done in, all hear of it.
  page.onEvent({ name: 'reportsDismissed', payload: null });
  expect(page.offered).toEqual([]);
  expect(page.all.map(({ title }) => title)).toEqual(['Crash 3.', 'Crash 2.', 'Crash 1.']);
});

test('shows a text, and says why where it is gone', async () => {
  const gone = { code: 'not-found', message: 'There is no such report.' } as const;
  const { reports: page, notices } = reports({ 'reports.read': ({ name }) => (name === report(1).name ? { text: 'all of it' } : gone) });
  await page.show(report(1));
  expect(page.open).toEqual({ report: report(1), text: 'all of it' });
  page.close();
  await page.show(report(2));
  expect(page.open).toBeNull();
  expect(notices.toasts.map(({ text }) => text)).toEqual(['There is no such report.']);
});

test("tells the studio of the page's own errors, cut to what it takes, and of nothing that is no error", () => {
  const { reports: page, bridge } = reports({ 'reports.addPageError': () => null });
  const target = new EventTarget();
  const stop = page.watchPage(target);
  const error = new Error('x'.repeat(10_000));
  target.dispatchEvent(Object.assign(new Event('error'), { error }));
  target.dispatchEvent(Object.assign(new Event('unhandledrejection'), { reason: new TypeError('y') }));
  target.dispatchEvent(Object.assign(new Event('error'), { error: null }));
  stop();
  target.dispatchEvent(Object.assign(new Event('error'), { error }));
  const told = bridge.called('reports.addPageError') as { message: string; stack: string }[];
  expect(told.map(({ message }) => message)).toEqual(['x'.repeat(8192), 'y']);
  expect(told[0]?.stack).toHaveLength(8192);
});
