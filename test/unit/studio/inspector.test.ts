import { join } from 'node:path';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { type Edit, type Item, Manifest, type ParamsInput, calls } from '../../../src/contract/index.js';
import { readNpy, readTokenFile, writeNpy, writeSafetensors } from '../../../src/engine/index.js';
import { SAMPLING, type TestStudio, makePackage, openStudio, request, setEnvironment } from './support.js';

const L = 4;
const D = 3;

const ints = (bytes: Uint8Array): number[] => [...new Int32Array(Uint8Array.from(bytes).buffer)];
const floats = (bytes: Uint8Array): number[] => [...new Float32Array(Uint8Array.from(bytes).buffer)];

async function generated({ ask, ended, event }: TestStudio, count = 1): Promise<Item[]> {
  const job = await ask('jobs.create', request({ count }));
  await ended(job.id);
  await event('itemAdded');
  return (await ask('items.list', { limit: 50, before: null, kind: null, search: '' })).items.reverse();
}

async function opened(): Promise<TestStudio & { item: Item; codes: number[] }> {
  const studio = openStudio();
  const [item] = await generated(studio);
  if (!item) throw new Error('Nothing was generated.');
  return { ...studio, item, codes: ints((await studio.ask('tokens.get', { id: item.id })).codes) };
}

type Of = ParamsInput<'codebook.usage'>['of'];

/** Red of the first pixel: the fake engine paints how many tokens were summed. */
async function painted(frame: Uint8Array): Promise<number> {
  return (await sharp(frame).raw().toBuffer())[0] ?? -1;
}

describe('an open item', () => {
  it('comes with all that a grid is coloured by', async () => {
    const { ask, item } = await opened();
    const sheet = calls['tokens.get'].result.parse(await ask('tokens.get', { id: item.id }));
    expect(sheet).toMatchObject({ L, D, V: 8, H: 2, grid: [2, 2], cannot: { decode: null, resample: null } });
    expect(sheet.item).toEqual(item);
    for (const array of [sheet.norm, sheet.residual, sheet.frequency, sheet.confidence])
      expect(floats(array ?? new Uint8Array())).toHaveLength(L * D);
    expect(sheet.revealedAt).toHaveLength(L * D);
    // Nothing is left after the last depth, and what is left falls.
    floats(sheet.residual).forEach((left, n) => n % D === D - 1 && expect(left).toBe(0));
  });

  it('is decoded at each depth, at each step, and as what a depth adds', async () => {
    const { ask, item } = await opened();
    const depths = [0, 1, 2, 3].map((depth) => ({ depth }));
    const { frames, contentType } = await ask('tokens.decode', { id: item.id, views: depths });
    expect(contentType).toBe('image/png');
    expect(await Promise.all(frames.map(painted))).toEqual([0, 4, 8, 12]);
    const others = await ask('tokens.decode', {
      id: item.id,
      views: [{ step: 0 }, { step: 6 }, { depths: Uint8Array.of(3, 0, 0, 2) }, { from: 1, to: 3 }, { depth: 3 }],
    });
    expect(await Promise.all(others.frames.map(painted))).toEqual([0, 12, 5, 128 + (12 - 4) / 2, 12]);
    expect(others.frames[4]).toEqual(frames[3]);
  });

  it('replays to the stored tokens', async () => {
    const { ask, item } = await opened();
    const replay = await ask('tokens.replay', { id: item.id });
    expect(replay).toMatchObject({ steps: 6, given: 0 });
    expect(replay.masked).toHaveLength(7);
    expect(replay.masked[0]).toBe(L * D);
    expect(replay.masked.at(-1)).toBe(0);
    expect(replay.scheduled.at(-1)).toBe(0);
  });

  it('is decoded while a job runs, and does not wait for its end', async () => {
    setEnvironment('FAKE_STEP_MS', '200');
    const { ask, item, event, events } = await opened();
    events.length = 0;
    const job = await ask('jobs.create', request({ count: 1, seed: 5 }));
    await event('progress');
    const { frames } = await ask('tokens.decode', { id: item.id, views: [{ depth: 2 }] });
    expect(await painted(frames[0] ?? new Uint8Array())).toBe(8);
    expect((await ask('jobs.list', null)).find(({ id }) => id === job.id)?.state).toBe('running');
    await ask('jobs.cancel', { id: job.id });
  });

  it.each([
    ['a depth it has not', { depth: 4 }, /^bad-request: This item has 3 depths/],
    ['depths of too few positions', { depths: Uint8Array.of(1) }, /^bad-request: Give 4 depths from 0 to 3/],
  ])('refuses %s with a sentence', async (_what, view, sentence) => {
    const { ask, item } = await opened();
    await expect(ask('tokens.decode', { id: item.id, views: [view] })).rejects.toThrow(sentence);
  });
});

describe('an edit', () => {
  const edits: [name: string, edit: Edit, stays: (position: number, depth: number) => boolean][] = [
    ['resampleBelow', { kind: 'resampleBelow', depth: 1 }, (_, depth) => depth <= 1],
    ['resamplePositions', { kind: 'resamplePositions', positions: [2] }, (position) => position !== 2],
    ['resampleTokens', { kind: 'resampleTokens', tokens: [{ position: 0, depth: 3 }] }, (position, depth) => position !== 0 || depth < 3],
    // The fake engine is the less sure of a token the later it comes.
    ['resampleLeastConfident', { kind: 'resampleLeastConfident', percent: 25 }, (position) => position !== L - 1],
    ['setCodes', { kind: 'setCodes', codes: [{ position: 1, depth: 2, code: 7 }] }, (position, depth) => position !== 1 || depth !== 2],
    ['zeroDepth', { kind: 'zeroDepth', depth: 2 }, (_, depth) => depth !== 2],
  ];
  it.each(edits)('%s makes a new item of it, and keeps what it does not name', async (_name, edit, stays) => {
    const { ask, item, codes, event } = await opened();
    const made = await ask('tokens.edit', { id: item.id, edit, seed: 1001 });
    expect(await event('itemAdded', (added) => added.id === made.id)).toEqual(made);
    expect(made.recipe).toMatchObject({ verb: 'edit', edit, className: 'Banana', parents: [{ id: item.id }] });
    const after = ints((await ask('tokens.get', { id: made.id })).codes);
    const kept = codes.map((_, n) => n).filter((n) => stays(Math.floor(n / D), (n % D) + 1));
    expect(kept.map((n) => after[n])).toEqual(kept.map((n) => codes[n]));
    // The parent is as it was, and undo is no more than removing the new one.
    expect(ints((await ask('tokens.get', { id: item.id })).codes)).toEqual(codes);
    await ask('items.remove', { ids: [made.id] });
    expect((await ask('items.list', { limit: 5, before: null, kind: null, search: '' })).items).toEqual([item]);
  });

  it('takes depths of two items, and blends them', async () => {
    const studio = openStudio();
    const [a, b] = await generated(studio, 2);
    if (!a || !b) throw new Error('Too few were generated.');
    const codesOf = async (id: string) => ints((await studio.ask('tokens.get', { id })).codes);
    const swapped = await studio.ask('tokens.edit', { id: a.id, edit: { kind: 'swap', other: b.id, at: D } });
    expect(await codesOf(swapped.id)).toEqual(await codesOf(a.id));
    expect(swapped.recipe.parents?.map((parent) => parent.id)).toEqual([a.id, b.id]);
    const blended = await studio.ask('tokens.edit', { id: a.id, edit: { kind: 'blend', other: b.id, alpha: 1 } });
    expect(await codesOf(blended.id)).toEqual(await codesOf(b.id));
    const { perDepth } = await studio.ask('tokens.compare', { a: a.id, b: b.id });
    expect(perDepth).toEqual([L, L, L]);
  });

  it('tells of its steps, and leaves nothing behind where it is stopped', async () => {
    setEnvironment('FAKE_STEP_MS', '30');
    const { studio, ask, item, event, events, data } = await opened();
    const run = 'aaaaaaaaaaaaaaaa';
    const edit: Edit = { kind: 'resampleBelow', depth: 1 };
    const before = readdirSync(join(data, 'items'));
    const stopped = studio.call('tokens.edit', { id: item.id, edit, run });
    expect(await event('edit')).toEqual({ run, step: 1, steps: SAMPLING.steps });
    expect(studio.unfinished()).toEqual({ jobs: 0, edits: 1 });
    await expect(ask('tokens.edit', { id: item.id, edit, run })).rejects.toThrow(/^bad-request: An edit of that name is running/);
    await ask('tokens.cancel', { run });
    expect(await stopped).toEqual({ ok: false, error: { code: 'cancelled', message: 'Stopped. Nothing was changed.' } });
    expect(studio.unfinished()).toEqual({ jobs: 0, edits: 0 });
    expect(readdirSync(join(data, 'items'))).toEqual(before);
    expect((await ask('items.list', { limit: 5, before: null, kind: null, search: '' })).items).toEqual([item]);

    // The engine is free for the next, under the same name even; to stop what has ended does nothing.
    events.length = 0;
    const made = await ask('tokens.edit', { id: item.id, edit, run });
    await ask('tokens.cancel', { run });
    const steps = events.flatMap(({ name, payload }) => (name === 'edit' ? [payload.step] : []));
    expect(steps).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await ask('items.get', { id: made.id })).toEqual(made);
  });

  it('is stopped at once where it waits for the engine behind other work', async () => {
    setEnvironment('FAKE_STEP_MS', '200');
    const { studio, ask, item } = await opened();
    const job = await ask('jobs.create', request({ count: 1, seed: 5 }));
    const stopped = studio.call('tokens.edit', { id: item.id, edit: { kind: 'resampleBelow', depth: 1 }, run: 'bbbbbbbb' });
    // Its turn would come after the job's six steps.
    await new Promise((resolve) => setTimeout(resolve, 20));
    await ask('tokens.cancel', { run: 'bbbbbbbb' });
    expect(await stopped).toMatchObject({ ok: false, error: { code: 'cancelled' } });
    expect((await ask('jobs.list', null)).find(({ id }) => id === job.id)?.state).toMatch(/queued|running/);
    await ask('jobs.cancel', { id: job.id });
  });

  it('refuses to free a token over one that stays, and says why', async () => {
    const { ask, item } = await opened();
    await expect(
      ask('tokens.edit', { id: item.id, edit: { kind: 'resampleTokens', tokens: [{ position: 1, depth: 1 }] } }),
    ).rejects.toThrow(/^refused: Depth 1 of position 1 can't be resampled while depth 2 of it stays\. A generator sees/);
    await expect(ask('tokens.edit', { id: item.id, edit: { kind: 'resamplePositions', positions: [4] } })).rejects.toThrow(
      /^bad-request: There is no position 4/,
    );
  });
});

describe('token files', () => {
  it('go out and come in again, the same', async () => {
    const { studio, ask, item, codes } = await opened();
    for (const format of ['safetensors', 'npy'] as const) {
      const { url, name } = await ask('tokens.export', { id: item.id, format });
      const asset = await studio.asset(url);
      const bytes = new Uint8Array(readFileSync(asset?.file ?? ''));
      expect([...(format === 'npy' ? readNpy(bytes) : readTokenFile(bytes)).codes]).toEqual(codes);
      const back = await ask('tokens.import', { name, bytes, model: 'fake' });
      expect(ints((await ask('tokens.get', { id: back.id })).codes)).toEqual(codes);
      expect(back.recipe.verb).toBe(format === 'npy' ? 'encode' : 'generate');
    }
  });

  it('leave the recipe behind where settings say so', async () => {
    const { studio, ask, item } = await opened();
    await ask('settings.set', { embedRecipe: false });
    const { url } = await ask('tokens.export', { id: item.id, format: 'safetensors' });
    const { recipe } = readTokenFile(readFileSync((await studio.asset(url))?.file ?? ''));
    expect(Object.keys(recipe).sort()).toEqual(['format', 'kind', 'model', 'studio', 'verb']);
  });

  it('show the unmasking as an animation and the depths as one picture', async () => {
    const { studio, ask, item } = await opened();
    for (const format of ['webp', 'gif'] as const) {
      const { url } = await ask('tokens.export', { id: item.id, format });
      const { pages, delay } = await sharp((await studio.asset(url))?.file ?? '', { animated: true }).metadata();
      // Equal frames may be joined by the format, but the first and the last differ.
      expect(pages).toBeGreaterThan(1);
      expect(delay?.at(-1)).toBeGreaterThanOrEqual(1500);
    }
    const strip = await ask('tokens.export', { id: item.id, format: 'strip' });
    expect(await sharp((await studio.asset(strip.url))?.file ?? '').metadata()).toMatchObject({ format: 'png', width: 16, height: 16 });
  });

  it('are refused with a sentence where they do not fit', async () => {
    const { ask } = openStudio();
    const npy = writeNpy({ L: 2, D: 2, codes: new Int32Array(4) });
    await expect(ask('tokens.import', { name: 'a.npy', bytes: npy, model: 'fake' })).rejects.toThrow(
      /^bad-file: These tokens are \[2, 2\]/,
    );
    await expect(ask('tokens.import', { name: 'a.npy', bytes: npy, model: null })).rejects.toThrow(/^bad-request: “a.npy” does not say/);
    await expect(ask('tokens.import', { name: 'a.txt', bytes: Uint8Array.of(1, 2), model: null })).rejects.toThrow(
      /^bad-file: “a.txt” is too short/,
    );
    const other = new Uint8Array(writeSafetensors({ weights: { shape: [1], data: Float32Array.of(1) } }));
    await expect(ask('tokens.import', { name: 'w.safetensors', bytes: other, model: 'fake' })).rejects.toThrow(/has no tensor codes/);
  });
});

describe('the codebook page', () => {
  it('counts codes, finds those that are dead, and the items that have one', async () => {
    const { ask, item, codes } = await opened();
    const usage = await ask('codebook.usage', { model: 'fake', of: null });
    expect(usage).toMatchObject({ items: 1, positions: L });
    const first = codes.filter((_, n) => n % D === 0);
    expect(usage.depths[0]).toMatchObject({ depth: 1, used: new Set(first).size, dead: 8 - new Set(first).size });
    expect(ints(usage.counts).reduce((a, b) => a + b)).toBe(L * D);
    const found = await ask('codebook.items', { model: 'fake', depth: 1, code: first[0] ?? 0 });
    expect(found).toEqual({ total: 1, found: [{ item, positions: first.flatMap((code, i) => (code === first[0] ? [i] : [])) }] });
  });

  it('is over the items that are chosen: these, or those of a search and a filter', async () => {
    const studio = openStudio();
    const { ask } = studio;
    const [a, b, c] = await generated(studio, 3);
    if (!a || !b || !c) throw new Error('Too few were generated.');
    await ask('items.tag', { ids: [b.id, c.id], add: ['ripe'], remove: [] });
    await ask('items.favourite', { ids: [c.id], favourite: true });
    const counted = async (of: Of) => (await ask('codebook.usage', { model: 'fake', of })).items;
    expect(await counted(null)).toBe(3);
    expect(await counted({ ids: [a.id, a.id, 'ffffffff'] })).toBe(1);
    expect(await counted({ search: '', filter: { tag: 'Ripe' } })).toBe(2);
    expect(await counted({ search: '', filter: { favourites: true } })).toBe(1);
    expect(await counted({ search: 'ban 43', filter: {} })).toBe(1);
    expect(await counted({ search: '?', filter: {} })).toBe(0);
    const code = ints((await ask('tokens.get', { id: b.id })).codes)[0] ?? 0;
    const holders = async (of: Of) => (await ask('codebook.items', { model: 'fake', depth: 1, code, of })).found.map(({ item }) => item.id);
    expect(await holders({ ids: [a.id] })).not.toContain(b.id);
    expect(await holders({ search: '', filter: { tag: 'ripe' } })).toContain(b.id);
  });

  it('finds every item with a code, page by page, newest first', async () => {
    const { ask, item } = await opened();
    const edit: Edit = { kind: 'setCodes', codes: [{ position: 3, depth: 2, code: 6 }] };
    const made: string[] = [];
    for (let n = 0; n < 5; n++) made.unshift((await ask('tokens.edit', { id: item.id, edit })).id);
    const seen: string[] = [];
    for (let before: string | null = null; ; before = seen.at(-1) ?? null) {
      const { total, found } = await ask('codebook.items', { model: 'fake', depth: 2, code: 6, before, limit: 2 });
      expect(total).toBeGreaterThanOrEqual(5);
      for (const holder of found) if (holder.item.id !== item.id) expect(holder.positions).toContain(3);
      if (found.length === 0) break;
      seen.push(...found.map((holder) => holder.item.id));
      if (seen.length >= total) break;
    }
    expect(seen.filter((id) => id !== item.id)).toEqual(made);
  });

  it('leaves out what is damaged, and says of how many', async () => {
    const { ask, item, data } = await opened();
    const other = await ask('tokens.edit', { id: item.id, edit: { kind: 'zeroDepth', depth: 1 } });
    writeFileSync(join(data, 'items', other.id, 'tokens.safetensors'), 'no tokens');
    expect(await ask('codebook.usage', { model: 'fake', of: null })).toMatchObject({ items: 1, leftOut: 1 });
    expect((await ask('tokens.get', { id: item.id })).L).toBe(L);
  });

  it('counts on as items come, and again as they go', async () => {
    const { ask, item } = await opened();
    const usage = () => ask('codebook.usage', { model: 'fake', of: null });
    const before = await usage();
    const edited = await ask('tokens.edit', { id: item.id, edit: { kind: 'setCodes', codes: [{ position: 0, depth: 1, code: 7 }] } });
    const [after] = await Promise.all([usage(), usage()]);
    expect(after).toMatchObject({ items: 2, positions: 2 * L });
    expect(after).toEqual(await ask('codebook.usage', { model: 'fake', of: { ids: [item.id, edited.id] } }));
    await ask('items.remove', { ids: [edited.id] });
    expect(await usage()).toEqual(before);
  });

  it('maps a depth, names the nearest codes, and shows what they are like', async () => {
    const { ask } = openStudio();
    const { points, norm, explained } = await ask('codebook.map', { model: 'fake', depth: 1 });
    expect(floats(points)).toHaveLength(16);
    expect(floats(norm)).toHaveLength(8);
    // The fake codes lie on a line.
    expect(explained[0]).toBeCloseTo(1, 4);
    const near = await ask('codebook.nearest', { model: 'fake', depth: 1, code: 3, count: 2 });
    expect(near.map(({ code }) => code)).toEqual([2, 4]);
    const { frames } = await ask('codebook.look', { model: 'fake', depth: 2, codes: [0, 7], base: null });
    expect(await Promise.all(frames.map(painted))).toEqual([8, 8]);
    await expect(ask('codebook.map', { model: 'fake', depth: 4 })).rejects.toThrow(/^bad-request: The model “fake” has 3 depths/);
    await expect(ask('codebook.nearest', { model: 'fake', depth: 1, code: 8 })).rejects.toThrow(
      /^bad-request: The model “fake” has codes 0 to 7/,
    );
  });
});

describe('a package of codebooks alone', () => {
  it('opens with all that needs no graph, and says what it can not do', async () => {
    const { ask, data } = openStudio();
    const folder = join(data, 'models', 'bare');
    makePackage(folder);
    const { files } = Manifest.parse(JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8')));
    makePackage(folder, { id: 'bare', files: { codebooks: files.codebooks, card: files.card } });
    expect((await ask('models.list', null)).find(({ id }) => id === 'bare')).toMatchObject({ problem: null });
    const bytes = writeNpy({ L, D, codes: Int32Array.from({ length: L * D }, (_, n) => n % 8) });
    const item = await ask('tokens.import', { name: 'codes.npy', bytes, model: 'bare' });
    expect(item).toMatchObject({ width: null, height: null });
    const { cannot } = await ask('tokens.get', { id: item.id });
    expect(cannot.decode).toMatch(/^The model “bare” is only codebooks/);
    expect(cannot.resample).toMatch(/^The model “bare” has no generator/);
    await expect(ask('tokens.decode', { id: item.id, views: [{ depth: 1 }] })).rejects.toThrow(/^bad-request: The model “bare” is only/);
    await expect(ask('tokens.edit', { id: item.id, edit: { kind: 'resampleBelow', depth: 1 } })).rejects.toThrow(/^refused: /);
    const edited = await ask('tokens.edit', { id: item.id, edit: { kind: 'zeroDepth', depth: 1 } });
    expect(ints((await ask('tokens.get', { id: edited.id })).codes)[0]).toBe(0);
    expect((await ask('codebook.usage', { model: 'bare', of: null })).items).toBe(2);
    await expect(ask('items.export', { ids: [item.id], format: 'png' })).rejects.toThrow(
      /^bad-request: Not every chosen item is a picture/,
    );
  });
});
