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
  const clip = vi.fn(() => Promise.resolve({ name: 'sample-voice.flac', bytes: Uint8Array.of(1) }));
  return { bridge, notices, studio, images, clip, welcome: new Welcome(studio, images, clip) };
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

it('adds the sample voice once, with what stands for a consent', async () => {
  const { welcome, bridge } = open({ 'voices.add': () => ({ id: 'v' }) as never });
  const adding = welcome.addVoice();
  expect(welcome.voice).toBe('adding');
  await welcome.addVoice();
  await adding;
  await welcome.addVoice();
  expect(welcome.voice).toBe('added');
  expect(bridge.called('voices.add')).toMatchObject([
    {
      name: 'Sample voice',
      file: { name: 'sample-voice.flac' },
      region: null,
      consent: expect.stringMatching(/^This voice is nobody’s/) as string,
    },
  ]);
});

it('says why there is no sample voice, and offers it again', async () => {
  const { welcome, notices, clip } = open({
    'voices.add': () => ({ code: 'bad-request', message: 'There is a voice of this name already.' }),
  });
  await welcome.addVoice();
  expect([welcome.voice, notices.toasts.at(-1)?.text]).toEqual(['offered', 'There is a voice of this name already.']);
  clip.mockRejectedValueOnce(new TypeError('gone'));
  await welcome.addVoice();
  expect(notices.toasts.at(-1)?.text).toMatch(/^The sample voice can’t be read\./);
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
