import { type Sound, VOICE_LIMITS } from '../../contract/index.js';
import type { InputDevice, Microphones, OpenMicrophone } from './microphone.js';

/** `listening`: the microphone is on, for its level alone. */
export type RecorderState = 'off' | 'opening' | 'listening' | 'counting' | 'recording';

const COUNT_FROM = 3;
const SECOND_MS = 1000;
/** Decibels at the lower end of the level. */
export const LEAST_LEVEL = -60;
/** What the level falls in a block: slow enough to be read. */
const FALL = 1.2;
/** Louder, and peaks of other words are cut off. */
const TOO_LOUD = -1;

/** Records one clip from a microphone: its level, a countdown, and the samples, which are never lost once they are there. */
export class Recorder {
  state = $state<RecorderState>('off');
  devices = $state.raw<readonly InputDevice[]>([]);
  /** Null for the one that the system prefers. */
  deviceId = $state<string | null>(null);
  /** Of the loudest sample just now, in decibels below full scale. */
  level = $state(LEAST_LEVEL);
  tooLoud = $state(false);
  /** Seconds until it begins. */
  countdown = $state(0);
  seconds = $state(0);
  /** A sentence when there is no microphone, or no longer. */
  problem = $state('');
  #open: OpenMicrophone | null = null;
  #blocks: Float32Array[] = [];
  #length = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** A microphone that is still opening when it is no longer wanted is closed again. */
  #attempt = 0;

  /** @param host where the studio is shown, as that is where a microphone is allowed */
  constructor(
    private readonly microphones: Microphones,
    private readonly host: () => 'electron' | 'browser' | 'cli' | undefined,
    private readonly onrecorded: (sound: Sound) => void,
  ) {}

  /** Follows what is plugged in; returns the function that ends that and turns the microphone off. */
  show(): () => void {
    void this.#list();
    const unwatch = this.microphones.watch(() => void this.#list());
    return () => {
      unwatch();
      this.stop();
    };
  }

  async choose(id: string | null): Promise<void> {
    this.deviceId = id;
    if (this.state === 'listening') {
      this.stop();
      await this.listen();
    }
  }

  /** Turns the microphone on to see its level. */
  async listen(): Promise<void> {
    if (this.state === 'off' && (await this.#turnOn())) this.state = 'listening';
  }

  /** Counts down and records, until `stop` or for as long as a voice may be. */
  async record(): Promise<void> {
    if (this.state !== 'off' && this.state !== 'listening') return;
    if (!this.#open && !(await this.#turnOn())) return;
    this.state = 'counting';
    this.countdown = COUNT_FROM;
    this.#timer = setTimeout(() => this.#count(), SECOND_MS);
  }

  /** Ends whatever goes on, and hands over what was recorded. */
  stop(): void {
    const { sampleRate } = this.#open ?? { sampleRate: 0 };
    const recorded = this.state === 'recording' && this.#length > 0;
    this.#attempt++;
    clearTimeout(this.#timer);
    this.#open?.close();
    this.#open = null;
    this.state = 'off';
    this.level = LEAST_LEVEL;
    this.tooLoud = false;
    if (recorded) this.onrecorded({ sampleRate, samples: joined(this.#blocks, this.#length) });
    this.#blocks = [];
    this.#length = 0;
  }

  async #turnOn(): Promise<boolean> {
    this.problem = '';
    this.state = 'opening';
    const attempt = ++this.#attempt;
    try {
      const open = await this.microphones.open(this.deviceId, {
        onsamples: (samples) => attempt === this.#attempt && this.#take(samples),
        onended: () => attempt === this.#attempt && this.#lost(),
      });
      if (attempt !== this.#attempt) {
        open.close();
        return false;
      }
      this.#open = open;
    } catch (error) {
      if (attempt === this.#attempt) {
        this.state = 'off';
        this.problem = explainRefusal(error, this.host());
      }
      return false;
    }
    // Only now do they have names.
    await this.#list();
    return attempt === this.#attempt;
  }

  #count(): void {
    this.countdown--;
    if (this.countdown > 0) {
      this.#timer = setTimeout(() => this.#count(), SECOND_MS);
      return;
    }
    this.#blocks = [];
    this.#length = 0;
    this.seconds = 0;
    this.state = 'recording';
  }

  #take(samples: Float32Array): void {
    const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    const level = peak === 0 ? LEAST_LEVEL : Math.max(LEAST_LEVEL, 20 * Math.log10(peak));
    this.level = Math.max(level, this.level - FALL);
    this.tooLoud = this.level > TOO_LOUD;
    if (this.state !== 'recording' || !this.#open) return;
    this.#blocks.push(samples);
    this.#length += samples.length;
    this.seconds = this.#length / this.#open.sampleRate;
    if (this.seconds >= VOICE_LIMITS.mostSeconds) this.stop();
  }

  #lost(): void {
    const kept = this.state === 'recording' && this.#length > 0;
    this.stop();
    this.problem = kept
      ? 'The microphone went away while it recorded. What was recorded until then is kept.'
      : 'The microphone went away. Connect it again, or choose another one.';
  }

  async #list(): Promise<void> {
    this.devices = await this.microphones.list();
    const known = this.deviceId === null || this.devices.some(({ id }) => id === this.deviceId);
    if (!known && this.state === 'off') this.deviceId = null;
  }
}

function joined(blocks: readonly Float32Array[], length: number): Float32Array {
  const whole = new Float32Array(length);
  let place = 0;
  for (const block of blocks) {
    whole.set(block, place);
    place += block.length;
  }
  return whole;
}

/** What `getUserMedia` refused, as what to do about it. */
function explainRefusal(error: unknown, host: 'electron' | 'browser' | 'cli' | undefined): string {
  switch (error instanceof Error ? error.name : '') {
    case 'NotAllowedError':
      return host === 'electron'
        ? 'The system does not let the studio use the microphone. Allow it in the system’s privacy settings, then try again.'
        : 'The browser does not let this page use the microphone. Allow it beside the address of the page, then try again.';
    case 'NotFoundError':
      return 'There is no microphone. Connect one and try again, or import a sound file.';
    case 'OverconstrainedError':
      return 'This microphone is no longer there. Choose another one.';
    case 'NotReadableError':
    case 'AbortError':
      return 'The microphone can’t be opened. Another program may be using it: close that, then try again.';
    case 'SecurityError':
      return 'Browsers give the microphone to secure pages alone. Start the studio with --tls-cert, or import a sound file.';
    default:
      return `The microphone did not start (${error instanceof Error ? error.message : String(error)}). Try again, or import a sound file.`;
  }
}
