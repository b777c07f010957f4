import { describe, expect, it, vi } from 'vitest';
import {
  fromWav,
  toWav,
  type Item,
  type Manifest,
  type Recipe,
  type Sound,
  type TokenSheet,
  type TokenView,
  type WireError,
} from '../../../src/contract/index.js';
import { AlignedSelection } from '../../../src/renderer/inspector/compare/aligned.js';
import { DepthView } from '../../../src/renderer/inspector/depth/depth.svelte.js';
import { decibels, difference, isSound, nothing, type Frame } from '../../../src/renderer/inspector/frames.js';
import { History } from '../../../src/renderer/inspector/history.svelte.js';
import { Inspector } from '../../../src/renderer/inspector/inspector.svelte.js';
import type { Pixels } from '../../../src/renderer/inspector/pixels.js';
import { melDistance } from '../../../src/renderer/inspector/mel.js';
import { Beside } from '../../../src/renderer/inspector/replay/beside.svelte.js';
import { ReplayView, histogramOf } from '../../../src/renderer/inspector/replay/replay.svelte.js';
import { outline } from '../../../src/renderer/inspector/views/peaks.js';
import { positionAt, positionsBetween } from '../../../src/renderer/inspector/views/regions.js';
import { Notices } from '../../../src/renderer/shared/notices.svelte.js';
import { Studio } from '../../../src/renderer/studio.svelte.js';
import { FakeBridge, item, job, manifest, recipe, settings, type Handlers } from './fakes.js';

/** A picture of one grey level. */
const grey = (level: number): Pixels => ({ width: 1, height: 1, data: Uint8ClampedArray.of(level, level, level, 255) });
const level = (frame: Frame | null | undefined) => (frame && !isSound(frame) ? frame.data[0] : undefined);
const depthOf = (view: TokenView) => ('depth' in view ? view.depth : 'step' in view ? view.step : -1);

function depthView(D = 4) {
  const asked: number[][] = [];
  const view = new DepthView(D, (views) => {
    asked.push(views.map(depthOf));
    return Promise.resolve({ ok: true, value: views.map((v) => grey(10 * depthOf(v))) });
  });
  return { view, asked };
}

describe('an item seen depth by depth', () => {
  it('decodes a depth once, and the one before for what it added', async () => {
    const { view, asked } = depthView();
    await view.show(3);
    expect(asked).toEqual([[3], [2]]);
    expect(level(view.shown)).toBe(30);
    expect(level(view.added?.frame)).toBe(255);
    await view.show(2);
    expect(asked).toEqual([[3], [2], [1]]);
  });

  it('follows a drag to its end without the depths between', async () => {
    const { view, asked } = depthView(16);
    const first = view.show(2);
    for (let depth = 3; depth <= 15; depth++) void view.show(depth);
    await first;
    expect(asked.flat()).toEqual([2, 15, 14]);
    expect(view.waiting).toBe(false);
  });

  it('shows the nearest depth while the chosen one is on its way', async () => {
    const { view } = depthView();
    await view.show(4);
    void view.show(1);
    expect(view.waiting).toBe(true);
    expect(level(view.shown)).toBe(30);
  });

  it('measures every depth against the full one', async () => {
    const { view } = depthView();
    await view.showAll();
    const [one = 0, two = 0, three = 0, full] = view.closeness;
    expect(one).toBeLessThan(two);
    expect(two).toBeLessThan(three);
    expect(full).toBeNaN();
  });

  it('says what went wrong and tries again', async () => {
    let broken = true;
    const view = new DepthView(2, () =>
      Promise.resolve(
        broken ? { ok: false, error: { code: 'engine-stopped', message: 'The engine stopped.' } } : { ok: true, value: [grey(1)] },
      ),
    );
    await view.show(1);
    expect(view.problem).toBe('The engine stopped.');
    broken = false;
    await view.retry();
    expect(view.problem).toBe('');
    expect(view.shown).not.toBeNull();
  });
});

describe('the replay of a generation', () => {
  const course = { steps: 3, given: 1, masked: [5, 4, 2, 0], scheduled: [5, 4, 3, 0] };
  const revealedAt = Uint8Array.of(1, 2, 2, 3, 3, 0);
  const confidence = Float32Array.of(-1, -2, -2.1, -9, -5, 0);

  it('counts what each step revealed and scores only what was generated', () => {
    const view = new ReplayView(course, revealedAt, confidence, () => Promise.resolve({ ok: true, value: [grey(0)] }));
    expect(view.revealed).toEqual([1, 2, 2]);
    const counts = (step: number) => [...(histogramOf(revealedAt, confidence, step)?.counts ?? [])];
    expect(counts(2).reduce((a, b) => a + b)).toBe(2);
    // The least sure of all is in the last bin.
    expect(counts(3).at(-1)).toBe(1);
    expect(counts(1).findIndex((n) => n > 0)).toBeLessThan(counts(2).findIndex((n) => n > 0));
    expect(histogramOf(revealedAt, null, 2)).toBeNull();
  });

  it('plays to the end and stops there', async () => {
    vi.useFakeTimers();
    const asked: number[] = [];
    const view = new ReplayView(course, revealedAt, confidence, (views) => {
      asked.push(...views.map(depthOf));
      return Promise.resolve({ ok: true, value: views.map((v) => grey(depthOf(v))) });
    });
    view.play();
    await vi.runAllTimersAsync();
    vi.useRealTimers();
    expect(asked).toEqual([1, 2, 3]);
    expect(view.playing).toBe(false);
    await view.show(1);
    expect(level(view.shown)).toBe(1);
  });
});

describe('a sound', () => {
  const wave = (size: number): Sound => ({ sampleRate: 8000, samples: Float32Array.of(size, -size, size / 2, 0) });

  it('is what its WAV was made of', () => {
    const { sampleRate, samples } = fromWav(toWav(wave(0.5).samples, 8000));
    expect(sampleRate).toBe(8000);
    samples.forEach((sample, n) => expect(sample).toBeCloseTo(wave(0.5).samples[n] ?? 0, 4));
  });

  it('is held against another by what is left of it', () => {
    expect(decibels(wave(0.45), wave(0.5))).toBeCloseTo(20, 1);
    expect(decibels(wave(0.5), wave(0.5))).toBe(Infinity);
    expect(decibels(wave(0.5), grey(1))).toBeNaN();
  });

  it('is as far from another as the ear tells: by level alone where the level alone is another', () => {
    const noise = Float32Array.from({ length: 8000 }, (_, n) => 0.2 * Math.sin(n * n * 0.37));
    const at = (factor: number): Sound => ({ sampleRate: 8000, samples: noise.map((sample) => factor * sample) });
    expect(melDistance(at(1), at(1))).toBe(0);
    expect(melDistance(at(1), at(0.1))).toBeCloseTo(20, 1);
    // Another phase is heard the same, and has no signal-to-noise ratio to speak of.
    const tone = (phase: number): Sound => ({
      sampleRate: 8000,
      samples: Float32Array.from({ length: 8000 }, (_, n) => 0.5 * Math.sin((2 * Math.PI * 440 * n) / 8000 + phase)),
    });
    expect(decibels(tone(2), tone(0))).toBeLessThan(0);
    expect(melDistance(tone(2), tone(0))).toBeLessThan(3);
    const higher: Sound = { sampleRate: 8000, samples: tone(0).samples.map((_, n) => 0.5 * Math.sin((2 * Math.PI * 1760 * n) / 8000)) };
    expect(melDistance(higher, tone(0))).toBeGreaterThan(10);
  });

  it('added by a depth is heard at full strength, and nothing stays silent', () => {
    const { frame, gain } = difference(wave(0.5), wave(0.4));
    expect(gain).toBeCloseTo(10, 3);
    expect(isSound(frame) && Math.max(...frame.samples)).toBeCloseTo(1, 5);
    expect(difference(wave(0.5), wave(0.5)).gain).toBe(1);
    const quiet = nothing(wave(0.5));
    expect(isSound(quiet) && [...quiet.samples]).toEqual([0, 0, 0, 0]);
  });

  it('is seen at each of its depths, and what the first of them added is all of it', async () => {
    const view = new DepthView(2, (views) => Promise.resolve({ ok: true, value: views.map((v) => wave(depthOf(v) / 4)) }));
    await view.showAll();
    await view.show(1);
    expect(view.shown).toEqual(wave(0.25));
    expect(view.closeness[0]).toBeCloseTo(6, 1);
    expect(view.added?.gain).toBeCloseTo(4, 3);
  });

  it('has an outline of its highest and lowest samples', () => {
    expect(outline(Float32Array.of(0.5, -0.25, 0, 1), 2)).toBe('M0 -0.500L1 -1.000L1 0.000L0 0.250Z');
  });
});

describe('positions on a picture', () => {
  it('are cells, row by row, with the edges included', () => {
    expect(positionAt({ x: 0.99, y: 0 }, [2, 3])).toBe(2);
    expect(positionAt({ x: 1.2, y: 1 }, [2, 3])).toBe(5);
    expect(positionsBetween({ x: 0.9, y: 0.9 }, { x: 0.4, y: 0.1 }, [2, 3])).toEqual([1, 2, 4, 5]);
  });
});

describe('the way through edits', () => {
  it('goes back and on, and drops what lay ahead at a new edit', () => {
    const history = new History();
    history.start('a');
    expect(history.undo()).toBeNull();
    history.push('b');
    history.push('c');
    expect(history.undo()).toEqual({ from: 'c', to: 'b' });
    expect(history.undo()).toEqual({ from: 'b', to: 'a' });
    expect(history.redo()).toEqual({ from: 'a', to: 'b' });
    history.push('d');
    expect(history.canRedo).toBe(false);
    expect(history.current).toBe('d');
  });
});

const bytes = (array: Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>) => new Uint8Array(array.buffer);

/** Tokens of four positions and two depths, of the fake model. */
function sheet(of: Item, change: Partial<TokenSheet> = {}): TokenSheet {
  return {
    item: of,
    L: 4,
    D: 2,
    V: 8,
    H: 4,
    grid: [2, 2],
    secondsPerPosition: null,
    codes: bytes(Int32Array.of(0, 1, 2, 3, 4, 5, 6, 7)),
    revealedAt: Uint8Array.of(1, 1, 1, 2, 2, 2, 3, 3),
    confidence: bytes(new Float32Array(8).fill(-1)),
    norm: bytes(new Float32Array(8).fill(1)),
    residual: bytes(Float32Array.of(1, 0, 3, 0, 1, 0, 3, 0)),
    frequency: bytes(new Float32Array(8).fill(0.25)),
    cannot: { decode: null, resample: null },
    ...change,
  };
}

async function setUp(handlers: Handlers = {}) {
  let made = 0;
  const bridge = new FakeBridge({
    'app.info': () => ({ version: '0.1.0', host: 'browser', platform: 'linux', dataFolder: '/data', modelFolders: [], notices: [] }),
    'settings.get': () => settings,
    'models.list': () => [{ id: 'fruits', folder: '/models/fruits', problem: null, manifest }],
    'engine.status': () => ({ state: 'stopped', model: null, provider: null, probes: [], problem: null }),
    'items.list': () => ({ items: [item('first'), item('second')], total: 2 }),
    'items.remove': () => null,
    'items.restore': () => null,
    'tokens.get': ({ id }) => sheet(item(id)),
    'tokens.decode': ({ views }) => ({ contentType: 'image/png', frames: views.map((view) => Uint8Array.of(depthOf(view))) }),
    'tokens.replay': () => ({ steps: 3, given: 0, masked: [8, 5, 2, 0], scheduled: [8, 6, 3, 0] }),
    'tokens.edit': () => item(`made${++made}`),
    ...handlers,
  });
  const notices = new Notices();
  const studio = new Studio(bridge, notices);
  const parts = {
    download: vi.fn(),
    readPixels: ([level = 0]: Uint8Array) => Promise.resolve(grey(level)),
    navigate: vi.fn(),
    inFront: vi.fn(() => true),
  };
  const inspector = new Inspector(studio, parts);
  await studio.load();
  return { bridge, notices, inspector, parts };
}

describe('the inspector', () => {
  it('holds an item against those of its model, also where others are newer than all of them', async () => {
    const of = (id: string, model: string) => item(id, { recipe: { ...recipe, model: { ...recipe.model, id: model } } });
    const own = [item('first'), item('second'), item('old')];
    const { inspector, bridge } = await setUp({
      'items.list': ({ filter }) => ({ items: filter?.model ? own : [of('a', 'other'), of('b', 'other'), item('second')], total: 9 }),
    });
    await inspector.follow('first');
    await vi.waitFor(() => expect(inspector.candidates.map(({ id }) => id)).toEqual(['second', 'old']));
    await inspector.follow('second');
    expect(inspector.candidates.map(({ id }) => id)).toEqual(['first', 'old']);
    expect(bridge.called('items.list')).toHaveLength(2);
  });

  it('opens an item at full depth, with its energy and its replay', async () => {
    const { inspector } = await setUp();
    await inspector.follow('first');
    expect(inspector.phase).toBe('ready');
    expect([...(inspector.session?.energy ?? [])]).toEqual([2, 0]);
    expect(inspector.session?.depth.depth).toBe(2);
    expect(inspector.replay?.revealed).toEqual([3, 3, 2]);
    expect(inspector.candidates.map(({ id }) => id)).toEqual(['second']);
  });

  it('has the energy of tokens that nothing decodes, and a depth to choose, without asking for a view', async () => {
    const cannot = { decode: 'The model “bare” is only codebooks.', resample: 'It has no generator.' };
    const { inspector, bridge } = await setUp({
      'tokens.get': ({ id }) => sheet(item(id), { revealedAt: null, confidence: null, cannot }),
    });
    await inspector.follow('first');
    const { energy, depth } = inspector.session ?? {};
    expect([...(energy ?? [])]).toEqual([2, 0]);
    await depth?.show(1);
    await depth?.showAll();
    expect(depth).toMatchObject({ decodes: false, depth: 1, problem: '' });
    expect(bridge.called('tokens.decode')).toEqual([]);
  });

  it('lists what there is, also where an item was made before the page was first opened', async () => {
    const { inspector } = await setUp();
    inspector.onEvent({ name: 'itemAdded', payload: item('first') });
    await inspector.follow(null);
    await vi.waitFor(() => expect(inspector.items.map(({ id }) => id)).toEqual(['first', 'second']));
  });

  it('says why an item can not be opened', async () => {
    const { inspector } = await setUp({ 'tokens.get': () => ({ code: 'not-found', message: 'There is no such item.' }) });
    await inspector.follow('gone');
    expect(inspector.phase).toBe('failed');
    expect(inspector.problem).toBe('There is no such item.');
  });

  it('has no replay for tokens that no generator made', async () => {
    const { inspector, bridge } = await setUp({ 'tokens.get': ({ id }) => sheet(item(id), { revealedAt: null, confidence: null }) });
    await inspector.follow('first');
    expect(inspector.replay).toBeNull();
    expect(inspector.replayProblem).toContain('nothing to replay');
    expect(bridge.called('tokens.replay')).toEqual([]);
  });

  it('makes an edit, opens it at the same depth, and undoes and redoes it', async () => {
    const { inspector, bridge, parts } = await setUp();
    await inspector.follow('first');
    await inspector.session?.depth.show(1);
    inspector.form.kind = 'below';
    inspector.form.seed = 9;
    await inspector.apply();
    const run = expect.stringMatching(/^[0-9a-f]{32}$/);
    expect(bridge.called('tokens.edit')).toEqual([{ id: 'first', edit: { kind: 'resampleBelow', depth: 1 }, seed: 9, run }]);
    expect(parts.navigate).toHaveBeenLastCalledWith('made1');
    expect(inspector.item?.id).toBe('made1');
    expect(inspector.session?.depth.depth).toBe(1);

    await inspector.undo();
    expect(inspector.item?.id).toBe('first');
    expect(bridge.called('items.remove')).toEqual([{ ids: ['made1'] }]);
    await inspector.redo();
    expect(inspector.item?.id).toBe('made1');
    expect(bridge.called('items.restore')).toEqual([{ ids: ['made1'] }]);
  });

  it('keeps the item and says why when an edit is refused', async () => {
    const { inspector, notices } = await setUp({ 'tokens.edit': () => ({ code: 'refused', message: 'A deeper token would stay.' }) });
    await inspector.follow('first');
    await inspector.apply();
    expect(inspector.item?.id).toBe('first');
    expect(notices.toasts[0]?.text).toBe('A deeper token would stay.');
    expect(inspector.history.canUndo).toBe(false);
  });

  it('follows the steps of its own edit, and stops it', async () => {
    const edits: { run?: string | undefined }[] = [];
    let answer: (reply: WireError) => void = () => undefined;
    const { inspector, notices, parts, bridge } = await setUp({
      'tokens.edit': (params) => {
        edits.push(params);
        return new Promise<WireError>((resolve) => (answer = resolve));
      },
      'tokens.cancel': () => null,
    });
    await inspector.follow('first');
    const applied = inspector.apply();
    const { run } = inspector;
    const id = edits[0]?.run ?? '';
    expect(run.running).toBe(true);
    expect(run.progress).toBeNull();
    inspector.onEvent({ name: 'edit', payload: { run: 'another0', step: 9, steps: 9 } });
    expect(run.progress).toBeNull();
    inspector.onEvent({ name: 'edit', payload: { run: id, step: 2, steps: 8 } });
    expect(run.progress).toEqual({ step: 2, steps: 8 });
    await inspector.apply();
    expect(edits).toHaveLength(1);
    await run.stop();
    await run.stop();
    expect(bridge.called('tokens.cancel')).toEqual([{ run: id }]);
    answer({ code: 'cancelled', message: 'Stopped. Nothing was changed.' });
    await applied;
    expect(run.running).toBe(false);
    expect(notices.toasts).toEqual([]);
    expect(notices.spoken).toBe('Stopped. Nothing was changed.');
    expect(parts.navigate).not.toHaveBeenCalled();
    expect(inspector.item?.id).toBe('first');
  });

  it('leaves in sight what somebody went on to while an edit was made', async () => {
    const { inspector, notices, parts } = await setUp();
    await inspector.follow('first');
    const applied = inspector.apply();
    const opened = inspector.follow('second');
    await Promise.all([applied, opened]);
    expect(inspector.item?.id).toBe('second');
    expect(inspector.history.canUndo).toBe(false);
    expect(parts.navigate).not.toHaveBeenCalled();
    expect(notices.toasts[0]).toMatchObject({ text: 'The edit of Banana, seed 7 is done.', action: { label: 'Open' } });
    notices.toasts[0]?.action?.run();
    expect(parts.navigate).toHaveBeenCalledWith('made1');
  });

  it('inpaints what is selected, whole positions or from a depth on, never with a deep token left below', async () => {
    const { inspector } = await setUp();
    await inspector.follow('first');
    const { form, selection, session } = inspector;
    if (!session) throw new Error('The item is not open.');
    form.kind = 'selected';
    expect(form.problem(session.tokens, selection)).toContain('Select positions');
    selection.choosePositions([3, 1]);
    expect(form.edit(session.tokens, selection)).toEqual({ kind: 'resamplePositions', positions: [1, 3] });
    selection.rectangle({ i: 0, j: 1 }, { i: 1, j: 1 });
    expect(form.edit(session.tokens, selection)).toEqual({
      kind: 'resampleTokens',
      tokens: [
        { position: 0, depth: 2 },
        { position: 1, depth: 2 },
      ],
    });
    selection.rectangle({ i: 0, j: 0 }, { i: 1, j: 0 });
    expect(form.problem(session.tokens, selection)).toContain('first depths');
  });

  it('asks for a class where the item has none', async () => {
    const plain: Recipe = { ...recipe, verb: 'encode' };
    delete plain.className;
    const { inspector, bridge } = await setUp({ 'tokens.get': ({ id }) => sheet(item(id, { recipe: plain })) });
    await inspector.follow('first');
    const tokens = inspector.session?.tokens;
    if (!tokens) throw new Error('The item is not open.');
    inspector.form.kind = 'below';
    expect(inspector.form.problem(tokens, inspector.selection)).toContain('class');
    inspector.form.className = 'Kiwi';
    await inspector.apply();
    expect(bridge.called('tokens.edit')[0]).toMatchObject({ className: 'Kiwi' });
  });

  it('encodes a dropped picture and takes a token file as it is', async () => {
    const { inspector, bridge, parts } = await setUp({ 'items.import': () => item('encoded'), 'tokens.import': () => item('taken') });
    await inspector.takeFile({ name: 'a.png', bytes: Uint8Array.of(1) });
    expect(parts.navigate).toHaveBeenLastCalledWith('encoded');
    await inspector.takeFile({ name: 'codes.npy', bytes: Uint8Array.of(1) });
    expect(parts.navigate).toHaveBeenLastCalledWith('taken');
    expect(bridge.called('tokens.import')[0]).toMatchObject({ name: 'codes.npy', model: 'fruits' });
  });

  it('encodes a clip with a model of sounds, and says so where there is none', async () => {
    const codec: Manifest = { ...manifest, id: 'codec', kind: 'speech', sound: { sampleRate: 8000, samplesPerPosition: 8 } };
    const models = [
      { id: 'fruits', folder: '/models/fruits', problem: null, manifest },
      { id: 'codec', folder: '/models/codec', problem: null, manifest: codec },
    ];
    const { inspector, bridge } = await setUp({ 'items.import': () => item('encoded'), 'models.list': () => models });
    // The picture's model takes no sounds.
    await inspector.follow('first');
    await inspector.takeFile({ name: 'clip.FLAC', bytes: Uint8Array.of(1) });
    expect(bridge.called('items.import')[0]).toMatchObject({ name: 'clip.FLAC', model: 'codec' });
    const without = await setUp();
    await without.inspector.takeFile({ name: 'clip.wav', bytes: Uint8Array.of(1) });
    expect(without.bridge.called('items.import')).toEqual([]);
    expect(without.notices.toasts[0]?.text).toContain('can encode a sound');
  });

  it('compares with another item and finds where they differ', async () => {
    const { inspector } = await setUp({
      'tokens.compare': () => ({
        L: 4,
        D: 2,
        differs: Uint8Array.of(0, 0, 0, 1, 1, 1, 0, 0),
        distance: bytes(new Float32Array(8)),
        perDepth: [1, 2],
        aligned: null,
      }),
    });
    await inspector.follow('first');
    const comparison = inspector.session?.comparison;
    await comparison?.choose(item('second'));
    expect(comparison?.differences).toMatchObject({ total: 3, same: 2 });
    expect(comparison?.shown).not.toBeNull();
    comparison?.swap();
    expect(comparison?.side).toBe('other');
  });

  it('holds a sound of another length against it by where its positions lie, with no difference to hear', async () => {
    const { inspector } = await setUp({
      'tokens.compare': () => ({
        L: 4,
        D: 2,
        differs: new Uint8Array(8),
        distance: bytes(new Float32Array(8)),
        perDepth: [0, 0],
        aligned: { by: 'phones', positions: bytes(Int32Array.of(0, 0, 2, 4)), L: 6 },
      }),
    });
    await inspector.follow('first');
    const comparison = inspector.session?.comparison;
    if (!comparison) throw new Error('Nothing is open.');
    comparison.side = 'difference';
    await comparison.choose(item('second'));
    expect(comparison).toMatchObject({ side: 'other', sides: ['this', 'other'], difference: null });
    expect(comparison.alignment?.length).toBe(6);
    comparison.swap();
    expect(comparison.alignment).toBeNull();

    const alignment = comparison.differences?.aligned?.to;
    if (!alignment) throw new Error('They are not aligned.');
    expect([0, 1, 2, 3].map((i) => alignment.toTheirs(i))).toEqual([0, 0, 2, 4]);
    expect([0, 1, 2, 3, 4, 5].map((j) => alignment.toOurs(j))).toEqual([1, 1, 2, 2, 3, 3]);
    // What is chosen in the one is what belongs to it in the other.
    const theirs = new AlignedSelection(inspector.selection, alignment);
    inspector.selection.choosePositions([2]);
    expect(theirs.sorted).toEqual([2, 3]);
    theirs.choosePositions([0, 5]);
    expect(inspector.selection.sorted).toEqual([0, 1, 3]);
    theirs.togglePosition(4);
    expect(inspector.selection.sorted).toEqual([0, 1]);
  });
});

describe('a generation beside the one that is open', () => {
  it('has the same class and seed and the other order, and opens once it is made', async () => {
    const { inspector, bridge } = await setUp({ 'jobs.create': () => job('job1') });
    await inspector.follow('first');
    const beside = inspector.session?.beside;
    await beside?.make(item('first'));
    expect(bridge.called('jobs.create')[0]).toMatchObject({ classes: ['Banana'], seed: 7, sampling: { reveal: 'random' } });
    inspector.onEvent({ name: 'itemAdded', payload: item('unasked', { jobId: 'another' }) });
    expect(beside?.making).toBe(true);
    inspector.onEvent({ name: 'itemAdded', payload: item('asked', { jobId: 'job1' }) });
    await vi.waitFor(() => expect(beside?.replay?.steps).toBe(3));
    expect(beside?.making).toBe(false);
  });

  it('of speech is all of its tokens anew: the same sounds at the same times, and the other order', async () => {
    let finish: (made: Item) => void = () => undefined;
    const { inspector, bridge } = await setUp({
      'tokens.edit': () => new Promise<Item>((resolve) => (finish = resolve)),
      'tokens.cancel': () => null,
    });
    await inspector.follow('first');
    const beside = inspector.session?.beside;
    const speech = { text: 'Fine.', speed: 1, phones: [], ms: [] };
    const said = item('first', { kind: 'speech', recipe: { ...recipe, kind: 'speech', verb: 'generate', voice: 'ada00000', speech } });
    expect(Beside.canMake(said)).toBe(true);
    expect(Beside.canMake({ ...said, recipe: { ...said.recipe, verb: 'encode' } })).toBe(false);
    const making = beside?.make(said);
    const [asked] = bridge.called('tokens.edit') as { run: string }[];
    expect(asked).toMatchObject({ id: 'first', edit: { kind: 'resampleBelow', depth: 0 }, seed: 7, sampling: { reveal: 'random' } });
    inspector.onEvent({ name: 'edit', payload: { run: asked?.run ?? '', step: 2, steps: 8 } });
    expect(beside).toMatchObject({ making: true, progress: { step: 2, steps: 8 } });
    await beside?.stop();
    expect(bridge.called('tokens.cancel')).toEqual([{ run: asked?.run }]);
    // It was done before the wish to stop arrived.
    finish(item('other'));
    await making;
    expect(beside).toMatchObject({ making: false, problem: '', item: { id: 'other' }, replay: { steps: 3 } });
  });

  it('says why when the run fails', async () => {
    const { inspector } = await setUp({ 'jobs.create': () => job('job1') });
    await inspector.follow('first');
    const beside = inspector.session?.beside;
    await beside?.make(item('first'));
    inspector.onEvent({ name: 'job', payload: job('job1', { state: 'failed', error: 'The engine stopped.' }) });
    expect(beside?.problem).toBe('The engine stopped.');
  });
});

describe('the codebook page', () => {
  const holders = Array.from({ length: 5 }, (_, n) => ({ item: item(`holder${n}`), positions: [n % 4] }));
  const handlers: Handlers = {
    'library.summary': () => ({ items: 9, favourites: 1, trash: 0, models: [], voices: [], tags: [{ name: 'ripe', count: 3 }] }),
    'codebook.usage': ({ of }) => ({ items: of === null ? 9 : 3, leftOut: 0, positions: 4, depths: [], counts: bytes(new Int32Array(16)) }),
    'codebook.map': () => ({ points: bytes(new Float32Array(16)), norm: bytes(new Float32Array(8)), explained: [0.5, 0.2] }),
    'codebook.nearest': () => [{ code: 3, distance: 1 }],
    // Pages of two.
    'codebook.items': ({ before }) => {
      const from = holders.findIndex((holder) => holder.item.id === before) + 1;
      return { total: holders.length, found: holders.slice(from, from + 2) };
    },
    'codebook.look': ({ codes }) => ({ contentType: 'image/png', frames: codes.map((code) => Uint8Array.of(7 + code)) }),
  };

  async function opened() {
    const parts = await setUp(handlers);
    await parts.inspector.follow('first');
    const view = parts.inspector.codebook;
    if (!view) throw new Error('There is no codebook.');
    return { ...parts, view };
  }

  it('is of all items at first, then of those that are chosen, and narrowed by words', async () => {
    const { view, bridge } = await opened();
    await view.load();
    expect(view.usage?.items).toBe(9);
    expect(view.tags).toEqual(['ripe']);
    expect(level(view.look)).toBe(7);
    await view.setScope({ kind: 'tag', tag: 'ripe' });
    await view.setSearch(' banana ');
    expect(view.usage?.items).toBe(3);
    await view.setScope({ kind: 'chosen', ids: ['a', 'b'] });
    const filter = { favourites: false, tag: 'ripe', voice: null, from: null, until: null };
    const sets = bridge.called('codebook.usage').map((params) => (params as { of: unknown }).of);
    expect(sets).toEqual([null, { search: '', filter }, { search: 'banana', filter }, { ids: ['a', 'b'] }]);
    // Who holds a code is asked of the same set.
    expect(bridge.called('codebook.items').at(-1)).toMatchObject({ of: { ids: ['a', 'b'] }, before: null });
  });

  it('shows what a code is like among those nearest to it, itself first', async () => {
    const { view, bridge } = await opened();
    await view.load();
    const seen = () => view.neighbourhood?.map(({ code, distance, frame }) => [code, distance, level(frame)]);
    expect(seen()).toEqual([
      [0, 0, 7],
      [3, 1, 10],
    ]);
    expect(bridge.called('codebook.look')).toMatchObject([{ codes: [0] }, { codes: [3] }]);
    const chosen = view.choose(1, 3);
    expect(view.neighbourhood).toBeNull();
    await chosen;
    // The code itself is no neighbour of its own.
    expect(seen()).toEqual([[3, 0, 10]]);
  });

  it('lists all that hold a code, page by page', async () => {
    const { view } = await opened();
    await view.load();
    expect(view.holdersTotal).toBe(5);
    for (const length of [2, 4, 5]) {
      expect(view.holders).toHaveLength(length);
      await view.moreHolders();
    }
    expect(view.holders?.map((holder) => holder.item.id)).toEqual(holders.map((holder) => holder.item.id));
  });

  it('stays as it is while items of its model are opened, and counts again when items came', async () => {
    const { view, inspector, bridge } = await opened();
    await view.load();
    await view.choose(2, 5);
    inspector.light('second', [1, 3], 2);
    await inspector.follow('second');
    expect(inspector.codebook).toBe(view);
    expect([view.depth, view.code]).toEqual([2, 5]);
    // The tokens that hold the code are selected in the item that it led to.
    expect(inspector.selection.sorted).toEqual([1, 3]);
    expect(inspector.selection.depths).toEqual([1, 1]);
    inspector.light('second', [0], 1);
    expect([inspector.selection.sorted, inspector.selection.depths]).toEqual([[0], [0, 0]]);
    await view.load();
    expect(bridge.called('codebook.usage')).toHaveLength(1);
    inspector.onEvent({ name: 'itemAdded', payload: item('third') });
    await view.load();
    expect(bridge.called('codebook.usage')).toHaveLength(2);
    // Another set is counted too when items came while the page was looked at.
    inspector.onEvent({ name: 'itemAdded', payload: item('fourth') });
    await view.setScope({ kind: 'favourites' });
    expect(bridge.called('codebook.usage').at(-1)).toMatchObject({ of: { filter: { favourites: true } } });
  });

  it('is shown for what was selected on another page', async () => {
    const { inspector, parts } = await setUp(handlers);
    inspector.showCodebook(['second', 'first']);
    expect(parts.navigate).toHaveBeenCalledWith('second');
    await inspector.follow('second');
    expect(inspector.tab).toBe('codebook');
    expect(inspector.codebook?.scope).toEqual({ kind: 'chosen', ids: ['second', 'first'] });
  });
});
