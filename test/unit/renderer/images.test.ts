import { describe, expect, it, vi } from 'vitest';
import type { Job, StudioEvent } from '../../../src/contract/index.js';
import { Images } from '../../../src/renderer/images/images.svelte.js';
import { Notices } from '../../../src/renderer/shared/notices.svelte.js';
import { Studio } from '../../../src/renderer/studio.svelte.js';
import { FakeBridge, item, job, manifest, recipe, settings, type Handlers } from './fakes.js';

async function setUp(handlers: Handlers = {}) {
  const bridge = new FakeBridge({
    'app.info': () => ({ version: '0.1.0', host: 'browser', platform: 'linux', dataFolder: '/data', modelFolders: [], notices: [] }),
    'settings.get': () => settings,
    'settings.set': (change) => ({ ...settings, ...change }) as typeof settings,
    'models.list': () => [
      { id: 'broken', folder: '/models/broken', problem: 'model.json is missing.', manifest: null },
      { id: 'fruits', folder: '/models/fruits', problem: null, manifest },
    ],
    'models.recentClasses': () => ['Kiwi'],
    'engine.status': () => ({ state: 'stopped', model: null, provider: null, probes: [], problem: null }),
    'jobs.list': () => [],
    'jobs.create': () => job('job1'),
    'items.list': () => ({ items: [], total: 0 }),
    ...handlers,
  });
  const notices = new Notices();
  const studio = new Studio(bridge, notices);
  const parts = { download: vi.fn(), isPicture: vi.fn(() => Promise.resolve(true)) };
  const images = new Images(studio, parts);
  await Promise.all([studio.load(), studio.queue.load()]);
  await images.load();
  return { bridge, notices, studio, images, parts };
}

const dropped = { name: 'a.png', bytes: Uint8Array.of(1) };
const created = (bridge: FakeBridge) => bridge.called('jobs.create')[0];

describe('the Images page', () => {
  it('works with the first package that is sound, and knows the broken one', async () => {
    const { studio, images } = await setUp();
    expect(images.form.model?.id).toBe('fruits');
    expect(images.picker.recent).toEqual(['Kiwi']);
    expect(studio.brokenModels.map(({ id }) => id)).toEqual(['broken']);
  });

  it('makes a job and remembers the classes', async () => {
    const { bridge, images } = await setUp();
    images.form.toggleClass('Apple');
    await images.generate();
    expect(created(bridge)).toMatchObject({ model: 'fruits', classes: ['Apple'], count: 4, batch: 4 });
    expect(images.picker.recent).toEqual(['Apple', 'Kiwi']);
    expect(images.jobs.queued).toHaveLength(1);
  });

  it('makes a few quick samples for a first look', async () => {
    const { bridge, images } = await setUp();
    await images.makeSamples();
    expect(created(bridge)).toMatchObject({ model: 'fruits', classes: ['Apple', 'Banana', 'Kiwi'], count: 1, sampling: { steps: 8 } });
  });

  it('says why nothing is made', async () => {
    const { bridge, images, notices } = await setUp();
    await images.generate();
    expect(bridge.called('jobs.create')).toEqual([]);
    expect(notices.toasts[0]?.text).toBe('Choose at least one class.');
  });

  it('makes the same picture again, seed and all, and with another seed', async () => {
    const { bridge, images } = await setUp();
    await images.sameAgain(item('a'));
    expect(created(bridge)).toMatchObject({ classes: ['Banana'], count: 1, seed: 7 });
    await images.varySeed(item('a'));
    expect(bridge.called('jobs.create')[1]).toMatchObject({ classes: ['Banana'], count: 1 });
    expect(images.form.seed).not.toBe(7);
  });

  it('does with one key what the buttons of a picture do', async () => {
    const { bridge, images, parts } = await setUp({
      'items.export': () => ({ url: '/assets/exports/x.zip', name: '2 pictures.zip', bytes: 9 }),
    });
    expect(images.press('r', [item('a')])).toBe(true);
    await vi.waitFor(() => expect(created(bridge)).toMatchObject({ classes: ['Banana'], count: 1, seed: 7 }));
    expect(images.press('v', [item('a')])).toBe(true);
    await vi.waitFor(() => expect(bridge.called('jobs.create')).toHaveLength(2));
    expect(bridge.called('jobs.create')[1]).not.toMatchObject({ seed: 7 });

    expect(images.press('s', [item('a'), item('b')])).toBe(true);
    await vi.waitFor(() => expect(parts.download).toHaveBeenCalledWith('/assets/exports/x.zip', '2 pictures.zip'));
    expect(bridge.called('items.export')[0]).toEqual({ ids: ['a', 'b'], format: 'png' });

    // No recipe to run again, more than one of them, none at all, and a key that means nothing.
    const imported = { ...item('c'), recipe: { ...recipe, verb: 'encode' as const } };
    const pairs: [string, Parameters<typeof images.press>[1]][] = [
      ['r', [imported]],
      ['v', [item('a'), item('b')]],
      ['s', []],
      ['q', [item('a')]],
    ];
    for (const [key, items] of pairs) expect(images.press(key, items)).toBe(false);
    expect(bridge.called('jobs.create')).toHaveLength(2);
  });

  it('stops the running job, else the next in the queue', async () => {
    const cancel = vi.fn(({ id }: { id: string }): Job => job(id, { state: 'cancelled', endedAt: Date.now() }));
    const { images, studio } = await setUp({
      'jobs.list': () => [job('later', { createdAt: 5 }), job('now', { state: 'running' })],
      'jobs.cancel': cancel,
    });
    await images.stop();
    await images.stop();
    expect(cancel.mock.calls.map(([{ id }]) => id)).toEqual(['now', 'later']);
    expect(images.jobs.busy).toBe(false);
    expect(studio.queue.unfinished).toHaveLength(2);
  });

  it('restores the recipe of a dropped picture and makes nothing yet', async () => {
    const { bridge, images, notices } = await setUp({ 'recipe.read': () => recipe });
    await images.takeFile(dropped);
    expect(images.form.classes).toEqual(['Banana']);
    expect(images.form.seed).toBe(7);
    expect(notices.toasts[0]?.text).toContain('Banana, seed 7');
    expect(bridge.called('jobs.create')).toEqual([]);
  });

  it('offers to import a picture without a recipe, and does so', async () => {
    const { bridge, images } = await setUp({
      'recipe.read': () => ({ code: 'bad-file', message: 'There is no recipe in it.' }),
      'items.import': () => item('new'),
    });
    await images.takeFile(dropped);
    expect(images.offered).toEqual({ file: dropped, reason: 'There is no recipe in it.' });
    await images.importPicture(dropped);
    expect(bridge.called('items.import')).toEqual([{ ...dropped, model: 'fruits' }]);
    expect(images.offered).toBeNull();
    expect(images.gallery.order).toEqual(['new']);
  });

  it('offers nothing for a file that is no picture', async () => {
    const { images, notices, parts } = await setUp({ 'recipe.read': () => ({ code: 'bad-file', message: 'It is not a picture.' }) });
    parts.isPicture.mockResolvedValue(false);
    await images.takeFile(dropped);
    expect(images.offered).toBeNull();
    expect(notices.toasts[0]?.text).toBe('It is not a picture.');
  });

  it('saves through a download of what the studio exported', async () => {
    const { images, parts } = await setUp({ 'items.export': () => ({ name: 'Banana-7.png', url: '/assets/exports/x.png', bytes: 9 }) });
    await images.save(['a'], 'png');
    expect(parts.download).toHaveBeenCalledWith('/assets/exports/x.png', 'Banana-7.png');
  });

  it('announces the beginning, the middle once, and the end', async () => {
    const { images, studio, notices } = await setUp();
    const said: string[] = [];
    const play = (event: StudioEvent): void => [studio, images].forEach((controller) => controller.onEvent(event));
    vi.spyOn(notices, 'announce').mockImplementation((text) => void said.push(text));
    const step = (n: number) =>
      play({
        name: 'progress',
        payload: { jobId: 'j', indices: [0, 1, 2, 3], step: n, steps: 4, masked: 0, tokens: 8, previews: [], k: [], secondsLeft: 1 },
      });
    play({ name: 'job', payload: job('j', { state: 'running' }) });
    for (const n of [1, 2, 3, 4]) step(n);
    play({ name: 'job', payload: job('j', { state: 'done', done: 4 }) });
    expect(said).toEqual(['Making 4 pictures of Banana.', 'Half done.', 'Finished 4 pictures of Banana.']);
  });
});

describe('settings', () => {
  it('shows a change at once and takes it back when it can not be kept', async () => {
    const { studio, notices } = await setUp({ 'settings.set': () => ({ code: 'disk-full', message: 'The disk is full.' }) });
    const change = studio.changeSettings({ theme: 'dark' });
    expect(studio.settings?.theme).toBe('dark');
    await change;
    expect(studio.settings?.theme).toBe('system');
    expect(notices.toasts[0]?.text).toBe('The disk is full.');
  });

  it('keeps what is on the screen when a reload fails', async () => {
    let broken = false;
    const { studio, notices } = await setUp({
      'settings.get': () => (broken ? { code: 'internal', message: 'Not now.' } : settings),
    });
    broken = true;
    await studio.load();
    expect(studio.phase).toBe('ready');
    expect(notices.toasts[0]?.text).toBe('Not now.');
  });
});
