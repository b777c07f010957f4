import { expect, it, vi } from 'vitest';
import { Notices } from '../../../src/renderer/shared/notices.svelte.js';
import { Studio } from '../../../src/renderer/studio.svelte.js';
import { Welcome } from '../../../src/renderer/welcome/welcome.svelte.js';
import { FakeBridge, type Handlers, manifest, settings } from './fakes.js';

function open(handlers: Handlers = {}) {
  const bridge = new FakeBridge({
    'settings.set': (change) => ({ ...settings, welcomed: false, ...change }) as typeof settings,
    'engine.probe': () => ({
      state: 'ready',
      model: 'fruits',
      provider: 'cpu',
      problem: null,
      probes: [
        { name: 'cpu', state: 'active', reason: '', stepMs: 10, maxError: 0 },
        { name: 'webgpu', state: 'usable', reason: '', stepMs: 90, maxError: 0 },
        { name: 'cuda', state: 'absent', reason: '', stepMs: null, maxError: null },
      ],
    }),
    ...handlers,
  });
  const notices = new Notices();
  const studio = new Studio(bridge, notices);
  studio.settings = { ...settings, welcomed: false };
  studio.models = [{ id: 'fruits', folder: 'models/fruits', problem: null, manifest }];
  const images = { makeSamples: vi.fn(() => Promise.resolve()), gallery: { items: [] as unknown[] } };
  return { bridge, notices, studio, images, welcome: new Welcome(studio, images) };
}

it('leads from the machine over samples to a voice, and back, and then never again', async () => {
  const { welcome, studio, images } = open();
  expect([welcome.shown, welcome.step]).toEqual([true, 'machine']);
  await welcome.check();
  expect(welcome.working).toEqual(['cpu', 'webgpu']);
  await welcome.choose('webgpu');
  expect(studio.settings?.provider).toBe('webgpu');
  await welcome.next();
  await welcome.sample();
  images.gallery.items = [{}];
  // What it made itself does not end it.
  expect([welcome.shown, welcome.step]).toEqual([true, 'samples']);
  await welcome.next();
  expect(welcome.step).toBe('voice');
  welcome.back();
  expect(welcome.step).toBe('samples');
  await welcome.next();
  await welcome.next();
  expect([welcome.shown, studio.settings?.welcomed]).toEqual([false, true]);
});

it('gives way to whoever makes pictures right away', () => {
  const { welcome, images } = open();
  images.gallery.items = [{}];
  expect(welcome.shown).toBe(false);
});

it('says why the machine could not be checked', async () => {
  const { welcome, notices } = open({ 'engine.probe': () => ({ code: 'bad-model', message: 'The model is broken.' }) });
  await welcome.check();
  expect([welcome.checking, welcome.working]).toEqual([false, []]);
  expect(notices.toasts[0]?.text).toBe('The model is broken.');
});
