import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Item, Manifest, Recipe, SpeechJob, Take } from '../../../src/contract/index.js';
import { Notices } from '../../../src/renderer/shared/notices.svelte.js';
import { wordsOf } from '../../../src/renderer/shared/words.js';
import { sameMoment } from '../../../src/renderer/speak/same-moment.js';
import { SpeakPage } from '../../../src/renderer/speak/speak.svelte.js';
import { VoicePicker } from '../../../src/renderer/speak/voicePicker.svelte.js';
import { Studio } from '../../../src/renderer/studio.svelte.js';
import { FakeBridge, type Handlers, item, job as imageJob, manifest, sampling, speechJob as job, voice } from './fakes.js';

const speaker: Manifest = {
  ...manifest,
  id: 'voice-en',
  kind: 'speech',
  classes: [],
  sound: { sampleRate: 16_000, samplesPerPosition: 320 },
};
const take = (of: SpeechJob, items: readonly (Item | null)[]): Take => ({
  job: of,
  sentences: items.map((made, index) => ({
    index,
    text: 'One.',
    gap: 0,
    item: made,
    start: made && index,
    seconds: made && 1,
    skipped: made && 0,
  })),
  seconds: items.filter(Boolean).length,
});

function open(handlers: Handlers = {}): { bridge: FakeBridge; page: SpeakPage; notices: Notices; saved: string[] } {
  const bridge = new FakeBridge({
    'jobs.list': () => [imageJob('picture'), job('old', { createdAt: 1 }), job('new', { createdAt: 2 })],
    'speech.take': ({ job: id }) => take(job(id), [item(`${id}-0`, { jobId: id }), item(`${id}-1`, { jobId: id })]),
    'speech.plan': () => ({ sentences: [{ text: 'One.', phones: ['W', 'AH1', 'N'] }], seconds: 1.5, skipped: 0 }),
    'speech.say': () => job('said', { createdAt: 3, state: 'queued', done: 0 }),
    'speech.again': () => job('new', { state: 'queued' }),
    'speech.export': () => ({ name: 'take.wav', url: '/assets/exports/take.wav', bytes: 1 }),
    'items.remove': () => null,
    'items.restore': () => null,
    'jobs.cancel': ({ id }) => job(id, { state: 'cancelled' }),
    ...handlers,
  });
  const notices = new Notices();
  const studio = new Studio(bridge, notices);
  studio.models = [
    { id: 'fruits', folder: '', problem: null, manifest },
    { id: 'voice-en', folder: '', problem: null, manifest: speaker },
  ];
  const saved: string[] = [];
  const voices = { voices: [voice('ada')], load: () => Promise.resolve() };
  return { bridge, notices, saved, page: new SpeakPage(studio, { download: (_, name) => saved.push(name), voices }) };
}

describe('the Speak page', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('lists takes alone, newest first, with a model that speaks and a voice chosen', async () => {
    const { page } = open();
    await page.load();
    expect(page.takes.list.map(({ id }) => id)).toEqual(['new', 'old']);
    expect([page.chosen, page.form.voice, page.form.model?.id]).toEqual(['new', 'ada', 'voice-en']);
  });

  it('asks once for a plan when typing has ended, and shows why a text can’t be said', async () => {
    let refuses = false;
    const { bridge, page } = open({
      'speech.plan': () =>
        refuses ? { code: 'bad-request', message: 'There is nothing to say. Write words.' } : { sentences: [], seconds: 2, skipped: 0 },
    });
    await page.load();
    page.form.write('O');
    page.form.write('One.');
    await vi.advanceTimersByTimeAsync(400);
    expect(bridge.called('speech.plan')).toEqual([{ model: 'voice-en', text: 'One.', speed: 1 }]);
    expect([page.form.plan?.seconds, page.form.problem]).toEqual([2, null]);
    refuses = true;
    page.form.write('…');
    await vi.advanceTimersByTimeAsync(400);
    expect([page.form.plan, page.form.problem]).toEqual([null, 'There is nothing to say. Write words.']);
    await page.speak();
    expect(bridge.called('speech.say')).toEqual([]);
  });

  it('says what a dropped sound says as it was said, as long as text and seed are its own', async () => {
    const speech = { text: 'One. Two.', speed: 1.25, phones: [], ms: [], again: { 1: 77 } };
    const recipe: Recipe = {
      format: 1,
      studio: '',
      model: { id: 'voice-en', version: '1' },
      kind: 'speech',
      verb: 'generate',
      seed: 9,
      sampling,
      voice: 'ada',
      speech,
    };
    let read: Recipe = recipe;
    const { bridge, page, notices } = open({ 'recipe.read': () => read });
    await page.load();
    const file = { name: 'take.wav', bytes: new Uint8Array(1) };
    await page.takeFile(file);
    await page.speak();
    page.form.typeSeed(10);
    await page.speak();
    const asked = { model: 'voice-en', voice: 'ada', text: 'One. Two.', sampling, speed: 1.25 };
    expect(bridge.called('speech.say')).toEqual([
      { ...asked, seed: 9, again: { 1: 77 } },
      { ...asked, seed: 10 },
    ]);
    for (const [change, said] of [
      [{ voice: 'eve' }, 'Recipe restored. Its voice is not here: choose another one.'],
      [
        { model: { id: 'voice-de', version: '1' } },
        '“take.wav” was said by the model “voice-de”, which is not here. Add it, then drop the sound again.',
      ],
      [{ speech: undefined }, '“take.wav” was not said. Drop a sound that was saved here.'],
    ] as const) {
      read = { ...recipe, ...change };
      await page.takeFile(file);
      expect(notices.toasts.at(-1)?.text).toBe(said);
    }
  });

  it('says a text with the knobs as they are, guided together unless told otherwise', async () => {
    const { bridge, page } = open();
    await page.load();
    page.form.write('One. Two.');
    page.form.typeSeed(9);
    page.form.setSpeed(1.5);
    await page.speak();
    page.form.setKnob('voiceShare', 0.25);
    await page.speak();
    const asked = { model: 'voice-en', voice: 'ada', text: 'One. Two.', seed: 9, speed: 1.5 };
    expect(bridge.called('speech.say')).toEqual([
      { ...asked, sampling },
      { ...asked, sampling: { ...sampling, voiceShare: 0.25 } },
    ]);
    expect([page.chosen, page.awaited, page.takes.open?.id]).toEqual(['said', 'said', 'said']);
    await page.stop();
    expect(bridge.called('jobs.cancel')).toEqual([{ id: 'said' }]);
  });

  it('follows the steps of speech and not those of pictures', async () => {
    const { page } = open();
    await page.load();
    const progress = { indices: [1], step: 3, steps: 8, masked: 1, tokens: 2, previews: [], k: [], secondsLeft: null };
    page.onEvent({ name: 'progress', payload: { ...progress, jobId: 'picture' } });
    expect(page.takes.saying).toBeNull();
    page.onEvent({ name: 'progress', payload: { ...progress, jobId: 'new' } });
    expect(page.takes.saying).toEqual({ jobId: 'new', index: 1, step: 3, steps: 8, secondsLeft: null });
    page.onEvent({ name: 'job', payload: job('new') });
    expect(page.takes.saying).toBeNull();
  });

  it('rolls a sentence again, saves, and compares a take with no one but another', async () => {
    const { bridge, page, saved } = open();
    await page.load();
    await page.again('new', 1);
    expect(bridge.called('speech.again')).toEqual([{ job: 'new', index: 1, seed: expect.any(Number) }]);
    await page.save('new', null, 'wav');
    expect([bridge.called('speech.export'), saved]).toEqual([[{ job: 'new', index: null, format: 'wav' }], ['take.wav']]);
    page.other = 'old';
    page.choose('new');
    expect([page.chosen, page.other]).toEqual(['new', 'old']);
    page.choose('old');
    expect([page.chosen, page.other]).toEqual(['old', null]);
  });

  it('deletes a take with everything it says, and an undo brings it back', async () => {
    let gone = false;
    const made = (id: string) => item(id, { jobId: 'new' });
    const { bridge, page, notices } = open({
      'jobs.list': () => [job('new')],
      'speech.take': () => take(job('new'), gone ? [null, null] : [made('a'), made('b')]),
    });
    await page.load();
    const before = page.takes.byJob.get('new');
    if (!before) throw new Error('The take was not read.');
    await page.remove(before);
    gone = true;
    page.onEvent({ name: 'itemsRemoved', payload: ['a', 'b'] });
    await vi.advanceTimersByTimeAsync(0);
    expect([bridge.called('items.remove'), page.takes.list, page.chosen]).toEqual([[{ ids: ['a', 'b'] }], [], null]);
    gone = false;
    notices.undo();
    await vi.advanceTimersByTimeAsync(0);
    expect(bridge.called('items.restore')).toEqual([{ ids: ['a', 'b'] }]);
    expect([page.takes.list.map(({ id }) => id), page.chosen]).toEqual([['new'], 'new']);
  });
});

describe('words and their times', () => {
  const spoken = { speed: 1, phones: ['HH', 'AY1', ',', '_', 'Y', 'UW1', '.'], ms: [100, 100, 200, 50, 100, 150, 300] };

  it('are those of the phones between two boundaries, without marks and pauses', () => {
    expect(wordsOf({ ...spoken, text: 'Hi, – you.' })).toEqual([
      { text: 'Hi,', from: 0, until: 0.2 },
      { text: 'you.', from: expect.closeTo(0.45), until: expect.closeTo(0.7) },
    ]);
  });

  it('give a number all the words it is said with', () => {
    const phones = ['HH', 'AE1', 'V', '_', 'F', 'AO1', 'R', 'T', 'IY0', '_', 'T', 'UW1', '_', 'D', 'EY1', 'Z'];
    const words = wordsOf({ text: 'Have 42 days', speed: 1, phones, ms: phones.map(() => 100) });
    expect(words.map(({ text }) => text)).toEqual(['Have', '42', 'days']);
    expect(words[1]).toEqual({ text: '42', from: expect.closeTo(0.4), until: expect.closeTo(1.2) });
  });
});

describe('the same moment of two takes', () => {
  const take = (...sentences: [text: string, start: number | null, seconds: number | null][]): Parameters<typeof sameMoment>[1] => ({
    sentences: sentences.map(([text, start, seconds], index) => ({ index, text, gap: 0, item: null, start, seconds, skipped: 0 })),
    seconds: Math.max(0, ...sentences.map(([, start, seconds]) => (start ?? 0) + (seconds ?? 0))),
  });
  const slow = take(['One.', 0, 2], ['Two.', 3, 2]);
  const quick = take(['One.', 0, 1], ['Two.', 1.5, 4]);

  it('is the same share of the same sentence, or of the silence after it', () => {
    expect([0, 1, 2, 2.5, 3, 4, 5].map((time) => sameMoment(time, slow, quick))).toEqual([0, 0.5, 1, 1.25, 1.5, 3.5, 5.5]);
    expect(sameMoment(3.5, quick, slow)).toBe(4);
    expect(sameMoment(9, slow, quick)).toBe(5.5);
  });

  it('is the same share of the whole where the texts or what is made of them differ', () => {
    expect(sameMoment(2.5, slow, take(['Three.', 0, 3]))).toBe(1.5);
    expect(sameMoment(2.5, slow, take(['One.', 0, 3], ['Two.', null, null]))).toBe(1.5);
    expect(sameMoment(1, take(['One.', null, null]), slow)).toBe(0);
  });
});

describe('the list of voices to choose from', () => {
  const many = 'Ada Bob Cleo Dan Eve Finn Gus Hana'.split(' ').map((name) => ({ ...voice(name.toLowerCase()), name }));

  it('is searched once it is long, best match first', () => {
    const few = new VoicePicker(() => many.slice(0, 6));
    few.query = 'bob';
    expect([few.searches, few.rows.length]).toEqual([false, 6]);
    const picker = new VoicePicker(() => many);
    picker.query = 'an';
    expect(picker.rows.map(({ name }) => name)).toEqual(['Dan', 'Hana']);
    picker.query = '';
    expect(picker.rows).toHaveLength(8);
  });

  it('is walked through by keys, from end to end', () => {
    const picker = new VoicePicker(() => many);
    expect([picker.next('ada', 1), picker.next('ada', -1), picker.next(null, 1), picker.next(null, -1)]).toEqual([
      'bob',
      'hana',
      'ada',
      'hana',
    ]);
    picker.query = 'zz';
    expect(picker.next('ada', 1)).toBeNull();
  });
});
