import type { ProviderName } from '../../contract/index.js';
import type { NamedBytes } from '../shared/files.js';
import type { Studio } from '../studio.svelte.js';
import { SAMPLE_CONSENT, SAMPLE_NAME, sampleVoice } from '../voices/sample-voice.js';

/** The steps of a first start, in their order. */
export const STEPS = ['machine', 'samples', 'voice'] as const;
export type Step = (typeof STEPS)[number];

/** What a first start leads through, once. Every step can be left out; the last one ends it for good. */
export class Welcome {
  /** Index into `STEPS`. */
  at = $state(0);
  checking = $state(false);
  /** Samples were asked for. */
  sampled = $state(false);
  /** The sample voice is being added, or is among the voices. */
  voice = $state<'offered' | 'adding' | 'added'>('offered');

  constructor(
    private readonly studio: Studio,
    private readonly images: { makeSamples(): Promise<void>; readonly gallery: { readonly items: readonly unknown[] } },
    private readonly clip: () => Promise<NamedBytes> = sampleVoice,
  ) {}

  /** Not over a library that is older than this start, and no longer than until somebody goes their own way. */
  get shown(): boolean {
    if (this.studio.settings?.welcomed !== false) return false;
    return this.at > 0 || this.sampled || this.images.gallery.items.length === 0;
  }

  get step(): Step {
    return STEPS[this.at] ?? 'machine';
  }

  get isLast(): boolean {
    return this.at === STEPS.length - 1;
  }

  /** Ways of running the model that were tried here and gave the right result. */
  get working(): readonly ProviderName[] {
    const probes = this.studio.engine?.probes ?? [];
    return probes.filter(({ state }) => state === 'active' || state === 'usable').map(({ name }) => name);
  }

  /** Tries every way that this machine may have to run the model. */
  async check(): Promise<void> {
    const model = this.studio.imageModel;
    if (!model || this.checking) return;
    this.checking = true;
    const reply = await this.studio.bridge.call('engine.probe', { model: model.id });
    this.checking = false;
    if (reply.ok) this.studio.engine = reply.value;
    else this.studio.notices.error(reply.error.message);
  }

  async choose(provider: 'auto' | ProviderName): Promise<void> {
    await this.studio.changeSettings({ provider });
  }

  async sample(): Promise<void> {
    this.sampled = true;
    await this.images.makeSamples();
  }

  /** A voice to begin with, for whoever has none at hand. */
  async addVoice(): Promise<void> {
    if (this.voice !== 'offered') return;
    this.voice = 'adding';
    const problem = await this.#addVoice();
    this.voice = problem === null ? 'added' : 'offered';
    if (problem !== null) this.studio.notices.error(problem);
  }

  /** What went wrong, or null. */
  async #addVoice(): Promise<string | null> {
    const file = await this.clip().catch(() => null);
    if (!file) return 'The sample voice can’t be read. Record one, or install the studio again.';
    const reply = await this.studio.bridge.call('voices.add', { name: SAMPLE_NAME, file, region: null, consent: SAMPLE_CONSENT });
    return reply.ok ? null : reply.error.message;
  }

  back(): void {
    this.at = Math.max(0, this.at - 1);
  }

  /** To the next step, whether or not anything was done in this one. */
  async next(): Promise<void> {
    if (this.isLast) await this.end();
    else this.at++;
  }

  /** It is never shown again. */
  async end(): Promise<void> {
    await this.studio.changeSettings({ welcomed: true });
  }
}
