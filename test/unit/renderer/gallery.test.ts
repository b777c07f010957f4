import { describe, expect, it } from 'vitest';
import { Gallery } from '../../../src/renderer/images/gallery/gallery.svelte.js';
import { Notices } from '../../../src/renderer/shared/notices.svelte.js';
import { FakeBridge, item, recipe, type Handlers } from './fakes.js';

function setUp(handlers: Handlers) {
  const bridge = new FakeBridge(handlers);
  const notices = new Notices();
  return { bridge, notices, gallery: new Gallery(bridge, notices) };
}

const page = (...ids: string[]) => ids.map((id) => item(id, { createdAt: 100 - Number(id) }));

describe('the gallery', () => {
  it('reads page after page until it has them all, without doubles', async () => {
    const { bridge, gallery } = setUp({
      'items.list': ({ before }) => ({ items: before === null ? page('1', '2') : page('2', '3'), total: 3 }),
    });
    await gallery.load();
    await gallery.loadMore();
    await gallery.loadMore();
    expect(gallery.order).toEqual(['1', '2', '3']);
    expect(bridge.called('items.list')).toMatchObject([{ before: null }, { before: '2' }]);
  });

  it('stops asking when a page is empty though the count says otherwise', async () => {
    const { bridge, gallery } = setUp({ 'items.list': ({ before }) => ({ items: before === null ? page('1') : [], total: 9 }) });
    await gallery.load();
    await gallery.loadMore();
    await gallery.loadMore();
    expect(bridge.called('items.list')).toHaveLength(2);
  });

  it('puts a new picture first, an old one at its place, and none twice', async () => {
    const { gallery } = setUp({ 'items.list': () => ({ items: page('2', '4'), total: 2 }) });
    await gallery.load();
    for (const [id] of [['1'], ['3'], ['3']] as const) gallery.onAdded(item(id, { createdAt: 100 - Number(id) }));
    expect(gallery.order).toEqual(['1', '2', '3', '4']);
    expect(gallery.total).toBe(4);
  });

  it('leaves one that is older than all that is loaded to its page, so that nothing between is passed over', async () => {
    const pages: Record<string, string[]> = { '': ['1', '2'], '2': ['3', '9'] };
    const { gallery } = setUp({
      'items.list': ({ before }) => ({ items: page(...(pages[before ?? ''] ?? [])), total: before === null ? 3 : 4 }),
    });
    await gallery.load();
    gallery.onAdded(item('9', { createdAt: 91 }));
    expect([gallery.order, gallery.total]).toEqual([['1', '2'], 4]);
    await gallery.loadMore();
    expect(gallery.order).toEqual(['1', '2', '3', '9']);
  });

  it('shows of new pictures only those that a search looks for', async () => {
    const { gallery } = setUp({ 'items.list': () => ({ items: [], total: 0 }) });
    await gallery.setSearch('kiwi');
    gallery.onAdded(item('1'));
    gallery.onAdded(item('2', { recipe: { ...recipe, className: 'Kiwi' } }));
    expect(gallery.order).toEqual(['2']);
  });

  it('shows the answer to the last search, in whatever order answers come', async () => {
    const answers: (() => void)[] = [];
    const { bridge, gallery } = setUp({});
    bridge.call = ((_: string, { search }: { search: string }) =>
      new Promise((resolve) => answers.push(() => resolve({ ok: true, value: { items: page(search), total: 1 } })))) as never;
    const both = [gallery.setSearch('1'), gallery.setSearch('2')];
    answers.reverse().forEach((answer) => answer());
    await Promise.all(both);
    expect(gallery.order).toEqual(['2']);
  });

  it('deletes with a toast that brings them back', async () => {
    const { bridge, gallery, notices } = setUp({
      'items.list': () => ({ items: page('1', '2', '3'), total: 3 }),
      'items.remove': () => null,
      'items.restore': () => null,
    });
    await gallery.load();
    gallery.selection.only('2');
    await gallery.remove(['2', '3']);
    expect(gallery.order).toEqual(['1']);
    expect(gallery.total).toBe(1);
    expect(gallery.selection.size).toBe(0);
    expect(notices.toasts[0]?.text).toBe('2 pictures deleted.');
    notices.undo();
    expect(bridge.called('items.restore')).toEqual([{ ids: ['2', '3'] }]);
    expect(notices.toasts).toEqual([]);
  });

  it('keeps the pictures when the studio can not delete them', async () => {
    const { gallery, notices } = setUp({
      'items.list': () => ({ items: page('1'), total: 1 }),
      'items.remove': () => ({ code: 'internal', message: 'The database is locked.' }),
    });
    await gallery.load();
    await gallery.remove(['1']);
    expect(gallery.order).toEqual(['1']);
    expect(notices.toasts[0]).toMatchObject({ tone: 'error', text: 'The database is locked.' });
  });

  it('tells a list that could not be read from an empty one', async () => {
    const { gallery } = setUp({ 'items.list': () => ({ code: 'internal', message: 'No.' }) });
    await gallery.load();
    expect(gallery.phase).toBe('failed');
    expect(gallery.problem).toBe('No.');
  });
});
