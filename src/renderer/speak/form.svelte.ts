import type { Bridge, ParamsInput, Recipe, Result } from '../../contract/index.js';
import { SPEECH_LIMITS } from '../../contract/index.js';
import { formatNumber } from '../shared/format.js';
import { SamplingForm } from '../shared/sampling/sampling.svelte.js';

export type Plan = Result<'speech.plan'>;

/** Long enough that a plan is not asked for at every letter. */
const PAUSE_MS = 300;

/** What the Speak page asks for: a text, a voice and the knobs. */
export class SpeechForm extends SamplingForm {
  text = $state('');
  /** Id of the voice that speaks. */
  voice = $state<string | null>(null);
  speed = $state(1);
  /** What the text comes to; null until the studio has answered for it. */
  plan = $state.raw<Plan | null>(null);
  /** Why this text can't be said, as the studio says it. */
  refusal = $state<string | null>(null);
  /** Seeds of single sentences that a restored recipe brought; they are of its text and seed alone. */
  #rolled: { text: string; seed: number; again: Record<string, number> } | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Only the newest question counts. */
  #asked = 0;

  constructor(private readonly bridge: Bridge) {
    super();
  }

  write(text: string): void {
    this.text = text;
    this.replan();
  }

  /** Fills in what something was said by; its model and its voice are chosen already. The sentence that says why it can't, or null. */
  restore({ seed, sampling, speech }: Recipe): string | null {
    if (!speech || !sampling || seed === undefined) return 'This recipe is of nothing that was said.';
    this.useSampling(sampling);
    this.typeSeed(seed);
    this.speed = speech.speed;
    this.#rolled = { text: speech.text, seed, again: speech.again ?? {} };
    this.write(speech.text);
    return null;
  }

  setSpeed(speed: number): void {
    this.speed = speed;
    this.replan();
  }

  /** Asks again what the text comes to, once no more is typed. */
  replan(): void {
    clearTimeout(this.#timer);
    const asked = ++this.#asked;
    this.refusal = null;
    this.plan = null;
    if (this.model && this.text.trim() !== '' && this.text.length <= SPEECH_LIMITS.text)
      this.#timer = setTimeout(() => void this.#ask(asked), PAUSE_MS);
  }

  /** The sentence that says what is missing, or null when the text can be said. */
  get problem(): string | null {
    if (!this.model || !this.sampling) return 'No model here speaks.';
    if (this.text.trim() === '') return 'Write what is to be said.';
    if (this.text.length > SPEECH_LIMITS.text)
      return `The text has ${formatNumber(this.text.length)} characters, and ${formatNumber(SPEECH_LIMITS.text)} are the most. Say it in parts.`;
    if (this.voice === null) return 'Choose a voice.';
    return this.refusal;
  }

  /** The next take, with a new seed unless it is pinned; null while there is a problem. */
  nextRequest(): ParamsInput<'speech.say'> | null {
    const { model, voice, text, sampling, speed } = this;
    if (this.problem !== null || !model || voice === null || !sampling) return null;
    if (!this.pinned) this.rollSeed();
    const rolled = this.#rolled?.text === text && this.#rolled.seed === this.seed ? this.#rolled.again : {};
    return { model: model.id, voice, text, seed: this.seed, sampling, speed, ...(Object.keys(rolled).length > 0 && { again: rolled }) };
  }

  async #ask(asked: number): Promise<void> {
    const { model, text, speed } = this;
    if (!model) return;
    const reply = await this.bridge.call('speech.plan', { model: model.id, text, speed });
    if (asked !== this.#asked) return;
    if (reply.ok) this.plan = reply.value;
    else this.refusal = reply.error.message;
  }
}
