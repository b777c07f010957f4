import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Finding, fromWav, type Result, type Sound, toWav } from '../../../src/contract/index.js';
import type { InputDevice, Listener, Microphones } from '../../../src/renderer/voices/microphone.js';
import { LEAST_LEVEL, Recorder } from '../../../src/renderer/voices/recorder.svelte.js';
import { VoicesPage } from '../../../src/renderer/voices/voices.svelte.js';
import { Notices } from '../../../src/renderer/shared/notices.svelte.js';
import { FakeBridge, type Handlers, voice } from './fakes.js';

const RATE = 1000;

/** A microphone that a test speaks into. */
class FakeMicrophones implements Microphones {
  devices: InputDevice[] = [{ id: 'desk', label: 'Desk' }];
  refusal: Error | null = null;
  opened: (string | null)[] = [];
  closed = 0;
  #listener: Listener | null = null;
  #changed: () => void = () => undefined;

  list(): Promise<InputDevice[]> {
    return Promise.resolve(this.devices);
  }

  watch(changed: () => void): () => void {
    this.#changed = changed;
    return () => undefined;
  }

  open(id: string | null, listener: Listener): ReturnType<Microphones['open']> {
    this.opened.push(id);
    if (this.refusal) return Promise.reject(this.refusal);
    this.#listener = listener;
    return Promise.resolve({ sampleRate: RATE, close: () => void this.closed++ });
  }

  speak(seconds: number, size = 0.25): void {
    this.#listener?.onsamples(new Float32Array(seconds * RATE).fill(size));
  }

  unplug(): void {
    this.#listener?.onended();
  }

  plug(devices: InputDevice[]): void {
    this.devices = devices;
    this.#changed();
  }
}

describe('the recorder', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function set(): { microphones: FakeMicrophones; recorder: Recorder; recorded: Sound[] } {
    const microphones = new FakeMicrophones();
    const recorded: Sound[] = [];
    return {
      microphones,
      recorded,
      recorder: new Recorder(
        microphones,
        () => 'electron',
        (sound) => recorded.push(sound),
      ),
    };
  }

  it('counts down, and keeps what was said from then to the stop', async () => {
    const { microphones, recorder, recorded } = set();
    await recorder.record();
    expect([recorder.state, recorder.countdown]).toEqual(['counting', 3]);
    microphones.speak(1, 0.9);
    await vi.advanceTimersByTimeAsync(2000);
    expect(recorder.countdown).toBe(1);
    await vi.advanceTimersByTimeAsync(1000);
    expect(recorder.state).toBe('recording');
    microphones.speak(2, 0.25);
    microphones.speak(1.5, -0.5);
    expect(recorder.seconds).toBe(3.5);
    recorder.stop();
    expect(recorded).toHaveLength(1);
    expect(recorded[0]?.sampleRate).toBe(RATE);
    expect([...(recorded[0]?.samples ?? [])]).toEqual([...Array<number>(2000).fill(0.25), ...Array<number>(1500).fill(-0.5)]);
    expect([recorder.state, microphones.closed]).toEqual(['off', 1]);
  });

  it('stops by itself at the longest a voice may be', async () => {
    const { microphones, recorder, recorded } = set();
    await recorder.record();
    await vi.advanceTimersByTimeAsync(3000);
    for (let second = 0; second < 40; second++) microphones.speak(1);
    expect(recorded.map(({ samples }) => samples.length)).toEqual([30 * RATE]);
    expect(microphones.closed).toBe(1);
  });

  it('cancelled during the countdown records nothing', async () => {
    const { microphones, recorder, recorded } = set();
    await recorder.record();
    recorder.stop();
    await vi.advanceTimersByTimeAsync(5000);
    microphones.speak(1);
    expect([recorder.state, recorded.length, recorder.level, microphones.closed]).toEqual(['off', 0, LEAST_LEVEL, 1]);
  });

  it('shows the level before it records, on the microphone that was chosen', async () => {
    const { microphones, recorder } = set();
    await recorder.listen();
    microphones.speak(0.1, 0.5);
    expect(recorder.level).toBeCloseTo(-6.02, 1);
    microphones.speak(0.1, 0);
    // It falls slowly enough to be read.
    expect(recorder.level).toBeCloseTo(-7.2, 1);
    microphones.speak(0.1, 1);
    expect(recorder.tooLoud).toBe(true);
    await recorder.choose('desk');
    expect([microphones.opened, microphones.closed, recorder.state]).toEqual([[null, 'desk'], 1, 'listening']);
    await recorder.record();
    expect(microphones.opened).toHaveLength(2);
  });

  it('keeps what was recorded when the microphone is unplugged, and says so', async () => {
    const { microphones, recorder, recorded } = set();
    await recorder.record();
    await vi.advanceTimersByTimeAsync(3000);
    microphones.speak(4);
    microphones.unplug();
    expect(recorded.map(({ samples }) => samples.length)).toEqual([4 * RATE]);
    expect(recorder.problem).toMatch(/^The microphone went away while it recorded\. What was recorded until then is kept\.$/);
    await recorder.listen();
    expect(recorder.problem).toBe('');
    microphones.unplug();
    expect(recorder.problem).toMatch(/Connect it again/);
  });

  it('goes back to the system’s microphone when the chosen one is gone', async () => {
    const { microphones, recorder } = set();
    recorder.show();
    await recorder.choose('desk');
    microphones.plug([{ id: 'other', label: 'Other' }]);
    await vi.advanceTimersByTimeAsync(0);
    expect([recorder.deviceId, recorder.devices.map(({ label }) => label)]).toEqual([null, ['Other']]);
  });

  it.each([
    ['NotAllowedError', /^The system does not let the studio use the microphone\. Allow it/],
    ['NotFoundError', /^There is no microphone\. Connect one/],
    ['OverconstrainedError', /^This microphone is no longer there\. Choose another/],
    ['NotReadableError', /^The microphone can’t be opened\. Another program may be using it/],
    ['SecurityError', /^Browsers give the microphone to secure pages alone/],
    ['OddError', /^The microphone did not start \(odd\)\. Try again/],
  ])('says what to do on %s', async (name, sentence) => {
    const { microphones, recorder } = set();
    microphones.refusal = Object.assign(new Error('odd'), { name });
    await recorder.record();
    expect(recorder.state).toBe('off');
    expect(recorder.problem).toMatch(sentence);
    await vi.advanceTimersByTimeAsync(4000);
    expect(recorder.state).toBe('off');
  });

  it('closes a microphone that opened after it was no longer wanted', async () => {
    const { microphones, recorder } = set();
    const opening = recorder.record();
    recorder.stop();
    await opening;
    expect([recorder.state, microphones.closed]).toEqual(['off', 1]);
  });
});

const long: Finding = { kind: 'long', blocks: true, text: 'The clip is too long. Trim it.' };
const noisy: Finding = { kind: 'noisy', blocks: false, text: 'There may be noise. Record again.' };

/** Two seconds of silence, of which one is suggested. */
function clip(from: number): Result<'voices.open'> {
  return { sound: toWav(new Float32Array(32_000), 16_000), seconds: 2, suggested: { from, until: from + 1 } };
}

describe('the voices page', () => {
  function page(handlers: Handlers = {}): { bridge: FakeBridge; page: VoicesPage; notices: Notices; saved: string[] } {
    const bridge = new FakeBridge({
      'voices.list': () => [voice('ada'), voice('old', { deletedAt: 5 })],
      'voices.open': () => clip(0.5),
      'voices.check': () => [],
      'voices.add': ({ name }) => voice('new', { name }),
      'voices.remove': () => null,
      'voices.restore': ({ id }) => voice(id),
      'voices.export': () => ({ name: 'ada.zip', url: '/assets/exports/x.zip', bytes: 1 }),
      ...handlers,
    });
    const notices = new Notices();
    const saved: string[] = [];
    const outside = {
      microphones: new FakeMicrophones(),
      host: () => 'browser' as const,
      download: (_: string, name: string) => saved.push(name),
    };
    return { bridge, notices, saved, page: new VoicesPage(bridge, notices, outside) };
  }
  const file = { name: 'a.wav', bytes: new Uint8Array(4) };

  it('lists voices apart from the trash, and follows the studio', async () => {
    const { page: opened } = page();
    await opened.load();
    expect([opened.phase, opened.voices.map((v) => v.id), opened.trash.map((v) => v.id)]).toEqual(['ready', ['ada'], ['old']]);
    opened.onEvent({ name: 'voices', payload: [voice('bob')] });
    expect([opened.voices.map((v) => v.id), opened.trash]).toEqual([['bob'], []]);
  });

  it('says why the list can’t be shown', async () => {
    const { page: opened } = page({ 'voices.list': () => ({ code: 'internal', message: 'It broke. Start again.' }) });
    await opened.load();
    expect([opened.phase, opened.problem]).toEqual(['failed', 'It broke. Start again.']);
  });

  it('takes a recording in as a WAV file, with the suggested part checked', async () => {
    const { bridge, page: opened } = page();
    await opened.takeRecording({ samples: new Float32Array(500).fill(0.5), sampleRate: 48_000 });
    const [sent] = bridge.called('voices.open') as [{ name: string; bytes: Uint8Array }];
    expect(sent.name).toMatch(/^Recording \d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d\.wav$/);
    expect(fromWav(sent.bytes)).toMatchObject({ sampleRate: 48_000 });
    expect(opened.region).toEqual({ from: 0.5, until: 1.5 });
    expect(bridge.called('voices.check')).toEqual([{ file: sent, region: { from: 0.5, until: 1.5 } }]);
    expect(opened.findings).toEqual([]);
  });

  it('opens no file while it records, and an undo brings a clip back that another one replaced', async () => {
    const { bridge, notices, page: opened } = page();
    await opened.recorder.record();
    await opened.takeFile(file);
    expect([opened.draft, opened.recorder.state]).toEqual([null, 'counting']);
    expect(notices.toasts.at(-1)?.text).toMatch(/^A recording is running\. Stop it/);
    opened.recorder.stop();
    await opened.takeFile(file);
    await opened.trim({ from: 0.25, until: 1 });
    await opened.takeFile({ ...file, name: 'b.wav' });
    expect(opened.draft?.file.name).toBe('b.wav');
    const put = notices.toasts.at(-1);
    expect(put?.text).toBe('The clip was put away.');
    put?.action?.run();
    expect([opened.draft?.file.name, opened.region]).toEqual(['a.wav', { from: 0.25, until: 1 }]);
    expect(bridge.called('voices.check').at(-1)).toMatchObject({ file: { name: 'a.wav' } });
  });

  it('saves once the clip can be one, has a name of its own and a signature', async () => {
    let found: Finding[] = [long];
    const { bridge, notices, page: opened } = page({ 'voices.check': () => found });
    await opened.load();
    await opened.takeFile(file);
    expect(opened.missing).toMatch(/can’t be a voice yet/);
    found = [noisy];
    await opened.trim({ from: 0, until: 1 });
    expect(notices.spoken).toBe(noisy.text);
    expect(opened.missing).toBe('Give the voice a name.');
    opened.name = ' ADA ';
    expect(opened.missing).toBe('There is a voice of this name already.');
    opened.name = 'Bob';
    expect(opened.missing).toBe('Sign with your name.');
    await opened.save();
    expect(bridge.called('voices.add')).toEqual([]);
    opened.signature = ' Bob Hope ';
    expect(opened.missing).toBeNull();
    await opened.save();
    expect(bridge.called('voices.add')).toEqual([
      {
        name: 'Bob',
        file,
        region: { from: 0, until: 1 },
        consent:
          'I, Bob Hope, am the person who speaks in this clip, or have that person’s permission, and agree that ResGen Studio speaks with this voice.',
      },
    ]);
    expect([opened.draft, opened.name, opened.signature]).toEqual([null, '', '']);
  });

  it('keeps the clip when the studio can’t save it, and the old one when a new file can’t be read', async () => {
    const { page: opened, notices } = page({ 'voices.add': () => ({ code: 'disk-full', message: 'The disk is full. Free some space.' }) });
    await opened.takeFile(file);
    [opened.name, opened.signature] = ['Bob', 'Bob'];
    await opened.save();
    expect([opened.draft?.file, opened.name, opened.saving]).toEqual([file, 'Bob', false]);
    expect(notices.toasts.at(-1)?.text).toBe('The disk is full. Free some space.');

    const other = page({ 'voices.open': ({ name }) => (name === 'b.wav' ? { code: 'bad-file', message: 'No sound.' } : clip(1)) });
    await other.page.takeFile(file);
    await other.page.takeFile({ name: 'b.wav', bytes: new Uint8Array(1) });
    expect([other.page.draft?.file.name, other.page.opening, other.notices.toasts.at(-1)?.text]).toEqual(['a.wav', false, 'No sound.']);
  });

  it('puts a clip away and brings it back', async () => {
    const { page: opened, notices } = page();
    await opened.takeFile(file);
    await opened.trim({ from: 0.25, until: 1 });
    opened.discard();
    expect(opened.draft).toBeNull();
    notices.undo();
    expect([opened.draft, opened.region]).toMatchObject([{ file }, { from: 0.25, until: 1 }]);
  });

  it('checks the newest part alone, whatever order the answers come in', async () => {
    const { bridge, page: opened } = page();
    await opened.takeFile(file);
    const answers: ((found: Finding[]) => void)[] = [];
    bridge.call = () => new Promise((resolve) => answers.push((value) => resolve({ ok: true, value } as never)));
    const first = opened.trim({ from: 0, until: 1 });
    const second = opened.trim({ from: 0, until: 0.5 });
    answers[1]?.([long]);
    answers[0]?.([]);
    await Promise.all([first, second]);
    expect(opened.findings).toEqual([long]);
  });

  it('deletes with a way back, exports, and tells what was refused', async () => {
    const {
      bridge,
      page: opened,
      notices,
      saved,
    } = page({
      'voices.rename': () => ({ code: 'bad-request', message: 'There is a voice “x” already.' }),
    });
    await opened.remove(voice('ada', { items: 2 }));
    expect(notices.toasts.at(-1)?.text).toBe('“ada” and 2 items made with it went to the trash.');
    notices.undo();
    expect(bridge.called('voices.restore')).toEqual([{ id: 'ada' }]);
    await opened.export('ada');
    expect(saved).toEqual(['ada.zip']);
    expect(await opened.rename('ada', 'x')).toBe(false);
    expect(notices.toasts.at(-1)?.text).toBe('There is a voice “x” already.');
  });
});
