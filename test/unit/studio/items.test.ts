import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { type Item, type Result, assets } from '../../../src/contract/index.js';
import { readTokenFile } from '../../../src/engine/tokens.js';
import { readRecipe } from '../../../src/studio/recipe-file.js';
import { type TestStudio, makePackage, openStudio, request } from './support.js';

const everything = { limit: 500, before: null, kind: null, search: '' } as const;

async function withItems(change: Parameters<typeof request>[0] = {}): Promise<TestStudio & { items: Item[] }> {
  const test = openStudio();
  const job = await test.ask('jobs.create', request(change));
  await test.ended(job.id);
  return { ...test, items: (await test.ask('items.list', everything)).items };
}

async function fetchExport({ studio }: TestStudio, file: Result<'items.export'>): Promise<Buffer> {
  const asset = await studio.asset(file.url);
  if (!asset) throw new Error(`nothing at ${file.url}`);
  const bytes = readFileSync(asset.file);
  expect(bytes.byteLength).toBe(file.bytes);
  return bytes;
}

describe('the list of items', () => {
  it('comes page by page, newest first, and finds words', async () => {
    const { ask, items } = await withItems({ classes: ['Banana', 'Apple Red'], count: 4, batch: 8 });
    const first = await ask('items.list', { ...everything, limit: 5 });
    const second = await ask('items.list', { ...everything, limit: 5, before: first.items.at(-1)?.id ?? '' });
    expect([...first.items, ...second.items]).toEqual(items);
    expect(first.total).toBe(8);
    expect((await ask('items.list', { ...everything, search: 'APPLE 43' })).items.map((i) => i.recipe.seed)).toEqual([43]);
    expect((await ask('items.list', { ...everything, search: '%' })).total).toBe(0);
    expect((await ask('items.list', { ...everything, kind: 'speech' })).total).toBe(0);
  });

  it('leaves out what is in the trash until it is restored', async () => {
    const { ask, items, event, events } = await withItems({ count: 3 });
    const id = items[1]?.id ?? '';
    await ask('items.remove', { ids: [id] });
    expect(await event('itemsRemoved')).toEqual([id]);
    expect((await ask('items.list', everything)).items.map((i) => i.id)).toEqual([items[0]?.id, items[2]?.id]);
    expect((await ask('items.get', { id })).deletedAt).toBeGreaterThan(0);
    await ask('items.restore', { ids: [id] });
    expect(events.at(-1)).toEqual({ name: 'itemAdded', payload: items[1] });
    expect((await ask('items.list', everything)).items).toEqual(items);
  });
});

describe('an export', () => {
  it('is the picture in each format, with its recipe', async () => {
    const test = await withItems({ count: 1 });
    const [item] = test.items;
    if (!item) throw new Error('no item');
    for (const [format, name] of [
      ['png', 'Banana-42.png'],
      ['jpeg', 'Banana-42.jpg'],
      ['webp', 'Banana-42.webp'],
    ] as const) {
      const file = await test.ask('items.export', { ids: [item.id], format });
      expect(file.name).toBe(name);
      const bytes = await fetchExport(test, file);
      expect(await sharp(bytes).metadata()).toMatchObject({ format, width: 8, height: 8 });
      expect(await readRecipe(name, bytes)).toEqual(item.recipe);
      // Flat colour 42 of the fake engine, through any codec.
      expect(Math.abs(((await sharp(bytes).raw().toBuffer())[0] ?? 0) - 42)).toBeLessThan(4);
    }
  });

  it('goes without the recipe when the person wants it so, and so does the page', async () => {
    const test = await withItems({ count: 1 });
    const [item] = test.items;
    if (!item) throw new Error('no item');
    await test.ask('settings.set', { embedRecipe: false });
    for (const format of ['png', 'jpeg', 'webp'] as const) {
      const bytes = await fetchExport(test, await test.ask('items.export', { ids: [item.id], format }));
      const { exif, xmp, comments } = await sharp(bytes).metadata();
      expect([exif, xmp, comments]).toEqual([undefined, undefined, undefined]);
      expect(bytes.includes('Banana') || bytes.includes('resgen')).toBe(false);
    }
    const served = await test.studio.asset(assets.picture(item.id));
    expect(readFileSync(served?.file ?? '').includes('Banana')).toBe(false);
    await test.ask('settings.set', { embedRecipe: true });
    const again = await test.studio.asset(assets.picture(item.id));
    expect(readFileSync(again?.file ?? '').includes('Banana')).toBe(true);
  });

  it('of several is a zip with a name for each', async () => {
    const test = await withItems({ classes: ['Banana', 'Apple Red'], count: 2 });
    const again = await test.ask('jobs.create', request({ count: 1 }));
    await test.ended(again.id);
    const { items } = await test.ask('items.list', everything);
    const file = await test.ask('items.export', { ids: items.map((i) => i.id), format: 'webp' });
    expect(file.name).toBe('ResGen 5 pictures.zip');
    const entries = unzipSync(new Uint8Array(await fetchExport(test, file)));
    expect(Object.keys(entries).sort()).toEqual([
      'Apple Red-42.webp',
      'Apple Red-43.webp',
      'Banana-42-2.webp',
      'Banana-42.webp',
      'Banana-43.webp',
    ]);
    expect(await sharp(entries['Apple Red-43.webp']).metadata()).toMatchObject({ format: 'webp', width: 8 });
  });

  it('as a sheet shows every picture once', async () => {
    const test = await withItems({ count: 5, batch: 8, seed: 10 });
    const bytes = await fetchExport(test, await test.ask('items.export', { ids: test.items.map((i) => i.id), format: 'sheet' }));
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'png', width: 24, height: 16 });
    const pixels = await sharp(bytes).removeAlpha().raw().toBuffer();
    const at = (column: number, row: number): number | undefined => pixels[(row * 8 * 24 + column * 8) * 3];
    expect([at(0, 0), at(1, 0), at(2, 0), at(0, 1), at(1, 1), at(2, 1)]).toEqual([14, 13, 12, 11, 10, 255]);
  });
});

describe('an imported picture', () => {
  it('is cut to its middle, laid on white, encoded, and kept as what its tokens decode to', async () => {
    const { ask, data, event } = openStudio();
    const wide = await sharp({ create: { width: 60, height: 20, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } })
      .png()
      .toBuffer();
    const item = await ask('items.import', { name: 'photo.of me.png', bytes: new Uint8Array(wide), model: 'fake' });
    expect(item).toMatchObject({
      width: 8,
      height: 8,
      jobId: null,
      recipe: { verb: 'encode', source: 'photo.of me.png', model: { id: 'fake', version: '1.0.0' } },
    });
    expect(await event('itemAdded')).toEqual(item);
    // The fake engine encodes the mean, here of pure white (255 mod 8), and paints the depth it decodes.
    expect(readTokenFile(readFileSync(join(data, 'items', item.id, 'tokens.safetensors'))).codes).toEqual(new Int32Array(12).fill(7));
    expect(
      (
        await sharp(join(data, 'items', item.id, 'picture.png'))
          .raw()
          .toBuffer()
      )[0],
    ).toBe(3);
    expect(await ask('items.export', { ids: [item.id], format: 'png' })).toMatchObject({ name: 'photo.of me.png' });
  });

  it('that is no picture gets a sentence', async () => {
    const { ask } = openStudio();
    const truncated = (
      await sharp({ create: { width: 64, height: 64, channels: 3, background: 'red' } })
        .jpeg()
        .toBuffer()
    ).subarray(0, 200);
    for (const bytes of [new Uint8Array(), new TextEncoder().encode('no picture'), new Uint8Array(truncated)]) {
      await expect(ask('items.import', { name: 'x.jpg', bytes, model: 'fake' })).rejects.toThrow(/^bad-file: “x\.jpg” is not a picture/);
    }
    expect((await ask('items.list', everything)).total).toBe(0);
  });
});

describe('assets', () => {
  it('have a thumbnail of a large picture, and the picture itself for a small one', async () => {
    const { studio, items, ask, data, ended, event } = await withItems({ count: 1 });
    const small = items[0]?.id ?? '';
    expect(await studio.asset(assets.thumbnail(small))).toEqual(await studio.asset(assets.picture(small)));

    makePackage(join(data, 'models', 'large'), { id: 'large', image: { size: 256 } });
    const job = await ask('jobs.create', request({ model: 'large', count: 1 }));
    await ended(job.id);
    const [large] = (await ask('items.list', everything)).items;
    const thumbnail = await studio.asset(assets.thumbnail(large?.id ?? ''));
    expect(thumbnail?.contentType).toBe('image/webp');
    expect(await sharp(thumbnail?.file).metadata()).toMatchObject({ format: 'webp', width: 192, height: 192 });
    const progress = await event('progress', (p) => p.jobId === job.id && p.previews.length > 0);
    expect(await sharp(progress.previews[0]).metadata()).toMatchObject({ width: 96, height: 96 });
    rmSync(thumbnail?.file ?? '');
    expect(await studio.asset(assets.thumbnail(large?.id ?? ''))).toMatchObject({ contentType: 'image/png' });
  });

  it('are found by their addresses and by nothing else', async () => {
    const { studio, items, ask, data } = await withItems({ count: 1 });
    const id = items[0]?.id ?? '';
    await ask('models.list', null);
    expect(await studio.asset(assets.picture(id))).toEqual({ file: join(data, 'items', id, 'picture.png'), contentType: 'image/png' });
    expect(await studio.asset(assets.tokens(id))).toMatchObject({ contentType: 'application/octet-stream' });
    expect(await studio.asset(assets.classes('fake'))).toEqual({
      file: join(data, 'models', 'fake', 'thumbnails.webp'),
      contentType: 'image/webp',
    });
    writeFileSync(join(data, 'items', id, 'notes.txt'), 'private');
    for (const path of [
      '/assets/items/../studio.db',
      `/assets/items/${id}/../../studio.db`,
      `/assets/items/${id}/notes.txt`,
      `/assets/items/${id}`,
      `/assets/items/${id}/picture.png/`,
      `/assets/items/${id}/picture.png\0`,
      `assets/items/${id}/picture.png`,
      `//assets/items/${id}/picture.png`,
      '/assets/items/0123456789abcdef/picture.png',
      '/assets/models/../fake/thumbnails.webp',
      '/assets/models/fake/model.json',
      '/assets/models/other/thumbnails.webp',
      '/assets/exports/../studio.db',
      '/assets/exports/plain',
      '/assets/exports/studio.db',
      '',
      '/',
    ]) {
      expect(await studio.asset(path), path).toBeNull();
    }
  });
});

describe('at the start', () => {
  it('what a crash left half-written is gone, and what others put there stays', async () => {
    const { studio, data } = await withItems({ count: 1 });
    await studio.close();
    mkdirSync(join(data, 'items', '.partial-abc'));
    writeFileSync(join(data, 'items', '.partial-abc', 'picture.png'), 'half');
    mkdirSync(join(data, 'items', 'my notes'));
    const { ask } = openStudio({ data });
    expect(existsSync(join(data, 'items', '.partial-abc'))).toBe(false);
    expect(existsSync(join(data, 'items', 'my notes'))).toBe(true);
    expect((await ask('items.list', everything)).total).toBe(1);
  });

  it('items that the database does not know are taken in again', async () => {
    const { studio, data, items } = await withItems({ count: 3 });
    await studio.close();
    for (const name of readdirSync(data)) if (name.startsWith('studio.db')) rmSync(join(data, name));
    const { ask } = openStudio({ data });
    const found = (await ask('items.list', everything)).items;
    expect(found.map(({ id, recipe, width }) => ({ id, recipe, width })).sort((a, b) => a.id.localeCompare(b.id))).toEqual(
      items.map(({ id, recipe, width }) => ({ id, recipe, width })).sort((a, b) => a.id.localeCompare(b.id)),
    );
  });

  it('an item whose file was taken away gets a sentence', async () => {
    const { ask, data, items } = await withItems({ count: 1 });
    const id = items[0]?.id ?? '';
    rmSync(join(data, 'items', id, 'picture.png'));
    await expect(ask('items.export', { ids: [id], format: 'png' })).rejects.toThrow(
      /^bad-file: The file picture\.png of an item is missing/,
    );
  });
});
