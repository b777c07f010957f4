import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { describe, expect, it } from 'vitest';
import type { Item, ParamsInput } from '../../../src/contract/index.js';
import { SAMPLING, type TestStudio, openStudio, request } from './support.js';

const everything = { limit: 500, before: null, kind: null, search: '' } as const;
type Change = Partial<ParamsInput<'items.list'>>;

async function withItems(): Promise<
  TestStudio & { items: Item[]; id: (n: number) => string; find: (change: Change) => Promise<string[]> }
> {
  const test = openStudio();
  const job = await test.ask('jobs.create', request({ classes: ['Banana', 'Apple Red'], count: 2 }));
  await test.ended(job.id);
  const { items } = await test.ask('items.list', everything);
  return {
    ...test,
    items,
    id: (n) => items[n]?.id ?? '',
    find: async (change) =>
      (await test.ask('items.list', { ...everything, ...change })).items.map((i) => `${i.recipe.className} ${i.recipe.seed}`),
  };
}

describe('search', () => {
  it('finds the beginnings of words, without regard to case, order and accents, and takes no operators', async () => {
    const { ask, id, find } = await withItems();
    expect(await find({ search: 'ban' })).toEqual(['Banana 43', 'Banana 42']);
    expect(await find({ search: '42 RED app' })).toEqual(['Apple Red 42']);
    expect(await find({ search: 'anana' })).toEqual([]);
    for (const search of ['banana OR apple', 'NEAR(banana)', '"', "'; DROP TABLE items; --", '*', 'search:banana', '(', '-', '^']) {
      expect(await find({ search }), search).toEqual([]);
    }
    await ask('items.tag', { ids: [id(0)], add: ['Früchte für Mai'], remove: [] });
    expect(await find({ search: 'fruchte mai' })).toEqual(['Apple Red 43']);
  });

  it('goes page by page like the whole list', async () => {
    const { ask, items } = await withItems();
    const first = await ask('items.list', { ...everything, search: 'fake', limit: 3 });
    const second = await ask('items.list', { ...everything, search: 'fake', limit: 3, before: first.items.at(-1)?.id ?? null });
    expect([...first.items, ...second.items]).toEqual(items);
    expect([first.total, second.total]).toEqual([4, 4]);
  });
});

describe('the name of the preset', () => {
  it('finds what was made with it, also what came in before the studio or the model knew', async () => {
    const { find, ask, ended, studio, data } = await withItems();
    const own = await ask('jobs.create', request({ classes: ['Cherry'], count: 1, sampling: { ...SAMPLING, steps: 5, topP: 0.5 } }));
    await ended(own.id);
    expect(await find({ search: 'balanced 42' })).toEqual(['Apple Red 42', 'Banana 42']);
    await studio.close();
    const db = new Database(join(data, 'studio.db'));
    db.exec('UPDATE items SET preset = NULL');
    db.close();
    const again = openStudio({ data });
    const found = async (): Promise<number> => (await again.ask('items.list', { ...everything, search: 'balanced' })).total;
    await expect.poll(found).toBe(4);
  });
});

describe('tags and favourites', () => {
  it('are told to everybody, narrow the list and are counted', async () => {
    const { ask, id, find, events } = await withItems();
    await ask('items.tag', { ids: [id(0), id(1)], add: [' Ripe ', 'ripe', 'for print'], remove: [] });
    await ask('items.favourite', { ids: [id(1), id(3)], favourite: true });
    expect((await ask('items.get', { id: id(1) })).tags).toEqual(['Ripe', 'for print']);
    expect(events.filter((e) => e.name === 'itemsChanged').map((e) => e.payload.map((i) => i.id))).toEqual([
      [id(0), id(1)],
      [id(1), id(3)],
    ]);
    expect(await find({ filter: { tag: 'RIPE' } })).toEqual(['Apple Red 43', 'Apple Red 42']);
    expect(await find({ filter: { favourites: true } })).toEqual(['Apple Red 42', 'Banana 42']);
    expect(await find({ filter: { favourites: true, tag: 'for print' }, search: '42' })).toEqual(['Apple Red 42']);
    expect(await ask('library.summary', null)).toEqual({
      items: 4,
      favourites: 2,
      trash: 0,
      models: [{ name: 'fake', count: 4 }],
      voices: [],
      tags: [
        { name: 'for print', count: 2 },
        { name: 'Ripe', count: 2 },
      ],
    });
    await ask('items.tag', { ids: [id(0), id(1)], add: [], remove: ['RIPE'] });
    expect(await find({ search: 'ripe' })).toEqual([]);
    // Nothing changed, so there is nothing to tell.
    const told = events.length;
    await ask('items.favourite', { ids: [id(1)], favourite: true });
    expect(events).toHaveLength(told);
  });

  it('have limits, with a sentence, and then nothing changes', async () => {
    const { ask, id } = await withItems();
    const twenty = Array.from({ length: 20 }, (_, i) => `tag ${i}`);
    await ask('items.tag', { ids: [id(1)], add: twenty, remove: [] });
    await expect(ask('items.tag', { ids: [id(0), id(1)], add: ['one more'], remove: [] })).rejects.toThrow(
      'bad-request: An item has at most 20 tags. Remove some first.',
    );
    expect((await ask('items.get', { id: id(0) })).tags).toEqual([]);
    for (const tag of ['', '   ', 'x'.repeat(41), 'a\nb']) {
      await expect(ask('items.tag', { ids: [id(0)], add: [tag], remove: [] })).rejects.toThrow(/^bad-request: /);
    }
  });
});

describe('filters', () => {
  it('by model and date', async () => {
    const { find, items } = await withItems();
    expect(await find({ filter: { model: 'fake' } })).toHaveLength(4);
    expect(await find({ filter: { model: 'other' } })).toEqual([]);
    const newest = items[0]?.createdAt ?? 0;
    expect(await find({ filter: { from: newest + 1 } })).toEqual([]);
    expect(await find({ filter: { until: newest + 1 } })).toHaveLength(4);
    expect(await find({ filter: { until: items.at(-1)?.createdAt ?? 0 } })).toEqual([]);
  });
});

describe('the trash', () => {
  it('is listed apart, and emptied for good, files and all', async () => {
    const { ask, id, find, data, studio } = await withItems();
    await ask('items.remove', { ids: [id(0), id(1), id(2)] });
    expect(await find({ filter: { place: 'trash' } })).toEqual(['Apple Red 43', 'Apple Red 42', 'Banana 43']);
    expect((await ask('library.summary', null)).trash).toBe(3);
    // Nothing outside of the trash is purged.
    expect(await ask('items.purge', { ids: [id(0), id(3)] })).toEqual({ removed: 1 });
    await ask('items.restore', { ids: [id(1)] });
    expect(await ask('items.purge', { ids: null })).toEqual({ removed: 1 });
    expect(readdirSync(join(data, 'items')).sort()).toEqual([id(1), id(3)].sort());
    expect(existsSync(join(data, 'items', id(2)))).toBe(false);
    await studio.close();
    const again = openStudio({ data });
    expect((await again.ask('items.list', everything)).items.map((i) => i.id)).toEqual([id(1), id(3)]);
    expect((await again.ask('library.summary', null)).trash).toBe(0);
  });
});
