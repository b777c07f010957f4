import type { ModelSummary, Part, ProviderName } from '../../contract/index.js';
import type { Studio } from '../studio.svelte.js';
import { Dictionary } from './dictionary.svelte.js';

export interface Verification {
  readonly state: 'running' | 'sound' | 'broken';
  readonly problems: readonly string[];
}

/** The actions of the Settings page. */
export class SettingsPage {
  probing = $state(false);
  /** By model id. */
  verified = $state.raw<Readonly<Record<string, Verification>>>({});
  /** What comes with the studio; null until somebody looks. */
  parts = $state.raw<readonly Part[] | null>(null);
  /** The licence that is being read. */
  licence = $state.raw<{ readonly part: Part; readonly text: string } | null>(null);
  cards = $state.raw<Readonly<Record<string, string>>>({});

  readonly dictionary: Dictionary;

  constructor(private readonly studio: Studio) {
    this.dictionary = new Dictionary(studio);
  }

  async chooseProvider(provider: 'auto' | ProviderName): Promise<void> {
    await this.studio.changeSettings({ provider });
  }

  async probe(model: string): Promise<void> {
    this.probing = true;
    const reply = await this.studio.bridge.call('engine.probe', { model });
    this.probing = false;
    if (reply.ok) {
      this.studio.engine = reply.value;
      this.studio.notices.announce('The engines were tested.');
    } else this.studio.notices.error(reply.error.message);
  }

  async verify(model: ModelSummary): Promise<void> {
    this.#setVerified(model.id, { state: 'running', problems: [] });
    const reply = await this.studio.bridge.call('models.verify', { id: model.id });
    const problems = reply.ok ? reply.value.problems : [reply.error.message];
    const sound = reply.ok && reply.value.ok;
    this.#setVerified(model.id, { state: sound ? 'sound' : 'broken', problems });
    this.studio.notices.announce(sound ? 'Every file is as it was published.' : problems.join(' '));
  }

  async readCard(id: string): Promise<void> {
    if (this.cards[id] !== undefined) return;
    const reply = await this.studio.bridge.call('models.card', { id });
    if (reply.ok) this.cards = { ...this.cards, [id]: reply.value.markdown };
    else this.studio.notices.error(reply.error.message);
  }

  async readParts(): Promise<void> {
    if (this.parts) return;
    const reply = await this.studio.bridge.call('licences.list', null);
    if (reply.ok) this.parts = reply.value;
    else this.studio.notices.error(reply.error.message);
  }

  async readLicence(part: Part): Promise<void> {
    const reply = await this.studio.bridge.call('licences.read', { name: part.name, version: part.version });
    if (reply.ok) this.licence = { part, text: reply.value.text };
    else this.studio.notices.error(reply.error.message);
  }

  #setVerified(id: string, verification: Verification): void {
    this.verified = { ...this.verified, [id]: verification };
  }
}
