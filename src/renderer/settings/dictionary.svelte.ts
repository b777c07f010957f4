import type { DictionaryEntry, StudioEvent } from '../../contract/index.js';
import type { Studio } from '../studio.svelte.js';

/** The actions of the dictionary on the Settings page. */
export class Dictionary {
  /** Null until they were read. */
  entries = $state.raw<readonly DictionaryEntry[] | null>(null);
  word = $state('');
  said = $state('');
  /** The sentence to show where what was typed was refused, or the list can't be read. */
  problem = $state('');

  constructor(private readonly studio: Studio) {}

  async load(): Promise<void> {
    const reply = await this.studio.bridge.call('dictionary.list', null);
    if (reply.ok) this.entries = reply.value;
    else this.problem = reply.error.message;
  }

  onEvent(event: StudioEvent): void {
    if (event.name === 'dictionary') this.entries = event.payload;
  }

  async add(): Promise<void> {
    const reply = await this.studio.bridge.call('dictionary.set', { word: this.word, said: this.said });
    this.problem = reply.ok ? '' : reply.error.message;
    if (!reply.ok) return;
    this.word = '';
    this.said = '';
    this.studio.notices.announce(`“${reply.value.word}” is now said as “${reply.value.said}”.`);
  }

  async remove({ word, said }: DictionaryEntry): Promise<void> {
    const reply = await this.studio.bridge.call('dictionary.remove', { word });
    if (!reply.ok) return void this.studio.notices.error(reply.error.message);
    const undo = () => void this.studio.bridge.call('dictionary.set', { word, said });
    this.studio.notices.say(`“${word}” was removed from the dictionary.`, { label: 'Undo', run: undo });
  }
}
