import { describe, expect, it } from 'vitest';
import type { Item, LibrarySummary } from '../../../src/contract/index.js';
import { daysBetween, startOfDay } from '../../../src/renderer/library/dates.js';
import { LibraryPage } from '../../../src/renderer/library/library.svelte.js';
import { Notices } from '../../../src/renderer/shared/notices.svelte.js';
import { FakeBridge, item } from './fakes.js';

const summary: LibrarySummary = { items: 2, favourites: 0, trash: 1, models: [{ name: 'fruits', count: 2 }], voices: [], tags: [] };

async function opened(items: Item[]) {
  const bridge = new FakeBridge({
    'items.list': () => ({ items, total: items.length }),
    'library.summary': () => summary,
    'items.favourite': () => null,
    'items.remove': () => null,
    'items.purge': () => ({ removed: 1 }),
  });
  const page = new LibraryPage(bridge, new Notices());
  const hide = page.show();
  await expect.poll(() => page.list.phase).toBe('ready');
  return { bridge, page, hide };
}

describe('the library page', () => {
  it('narrows the list, and what changes leaves it when it no longer belongs', async () => {
    const a = item('aaaaaaaa', { favourite: true, tags: ['Ripe'] });
    const { bridge, page } = await opened([a, item('bbbbbbbb', { favourite: true })]);
    await page.narrow({ favourites: true });
    expect(bridge.called('items.list').at(-1)).toMatchObject({ kind: null, filter: { favourites: true } });
    page.onEvent({ name: 'itemsChanged', payload: [{ ...a, favourite: false }] });
    expect(page.list.order).toEqual(['bbbbbbbb']);
    await page.narrow({ tag: 'ripe' });
    page.onEvent({ name: 'itemAdded', payload: item('cccccccc', { createdAt: 9 }) });
    expect(page.list.order).not.toContain('cccccccc');
    page.onEvent({ name: 'itemAdded', payload: item('dddddddd', { createdAt: 9, tags: ['RIPE'] }) });
    expect(page.list.order[0]).toBe('dddddddd');
  });

  it('makes all favourites unless all are', async () => {
    const { bridge, page } = await opened([item('aaaaaaaa', { favourite: true }), item('bbbbbbbb')]);
    await page.toggleFavourite(['aaaaaaaa', 'bbbbbbbb']);
    await page.toggleFavourite(['aaaaaaaa']);
    expect(bridge.called('items.favourite')).toEqual([
      { ids: ['aaaaaaaa', 'bbbbbbbb'], favourite: true },
      { ids: ['aaaaaaaa'], favourite: false },
    ]);
  });

  it('in the trash, delete does nothing by itself, and what is restored goes', async () => {
    const trashed = item('aaaaaaaa', { deletedAt: 5 });
    const { bridge, page } = await opened([trashed]);
    await page.narrow({ place: 'trash' });
    await page.list.remove(['aaaaaaaa']);
    expect(bridge.called('items.remove')).toEqual([]);
    page.onEvent({ name: 'itemAdded', payload: { ...trashed, deletedAt: null } });
    expect(page.list.order).toEqual([]);
    await page.purge(null);
    expect(bridge.called('items.purge')).toEqual([{ ids: null }]);
  });

  it('does not follow events behind another page', async () => {
    const { page, hide } = await opened([]);
    hide();
    page.onEvent({ name: 'itemAdded', payload: item('cccccccc') });
    expect(page.list.order).toEqual([]);
  });

  it('searches what arrives as the studio does: by the beginnings of words', async () => {
    const { page } = await opened([]);
    await page.list.setSearch('BAN 7');
    page.onEvent({ name: 'itemAdded', payload: item('cccccccc') });
    await page.list.setSearch('anana');
    page.onEvent({ name: 'itemAdded', payload: item('dddddddd') });
    expect(page.list.order).toEqual([]);
  });
});

describe('a range of days', () => {
  it('has both its days inside, and an empty side is open', () => {
    expect(startOfDay('')).toBeNull();
    expect(startOfDay('nonsense')).toBeNull();
    const { from, until } = daysBetween('2026-11-23', '2026-11-24');
    expect([from, until]).toEqual([new Date(2026, 10, 23).getTime(), new Date(2026, 10, 25).getTime()]);
    expect(daysBetween('', '2026-03-29')).toEqual({ from: null, until: new Date(2026, 2, 30).getTime() });
    expect(daysBetween('2026-03-29', '').until).toBeNull();
  });
});
