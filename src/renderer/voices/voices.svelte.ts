import {
  type Bridge,
  type Finding,
  fromWav,
  type Region,
  type Reply,
  type Sound,
  type StudioEvent,
  toWav,
  type Voice,
} from '../../contract/index.js';
import type { NamedBytes } from '../shared/files.js';
import type { Notices } from '../shared/notices.svelte.js';
import { plural } from '../shared/format.js';
import type { Microphones } from './microphone.js';
import { Recorder } from './recorder.svelte.js';

/** What the page needs besides the studio. */
export interface Outside {
  microphones: Microphones;
  host: () => 'electron' | 'browser' | 'cli' | undefined;
  download: (url: string, name: string) => void;
}

/** A clip that is not a voice yet. */
export interface Draft {
  readonly file: NamedBytes;
  /** As it will be kept. */
  readonly sound: Sound;
}

/** The actions of the Voices page. What is being made stays here while another page is in front. */
export class VoicesPage {
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  problem = $state('');
  /** Newest first, those in the trash too. */
  all = $state.raw<readonly Voice[]>([]);
  readonly recorder: Recorder;

  /** A file is being read. */
  opening = $state(false);
  draft = $state.raw<Draft | null>(null);
  region = $state.raw<Region>({ from: 0, until: 0 });
  /** Null while the clip is being checked. */
  findings = $state.raw<readonly Finding[] | null>(null);
  name = $state('');
  signature = $state('');
  saving = $state(false);
  /** Only the newest file and the newest trim count. */
  #asked = 0;

  constructor(
    private readonly bridge: Bridge,
    private readonly notices: Notices,
    private readonly outside: Outside,
  ) {
    this.recorder = new Recorder(outside.microphones, outside.host, (sound) => void this.takeRecording(sound));
  }

  get voices(): readonly Voice[] {
    return this.all.filter(({ deletedAt }) => deletedAt === null);
  }

  get trash(): readonly Voice[] {
    return this.all.filter(({ deletedAt }) => deletedAt !== null);
  }

  get consent(): string {
    return consentOf(this.signature.trim());
  }

  /** Why the draft can't be saved yet, or null where it can. */
  get missing(): string | null {
    if (this.findings === null) return 'The clip is being checked.';
    if (this.findings.some(({ blocks }) => blocks)) return 'This clip can’t be a voice yet: see what was found.';
    if (this.name.trim() === '') return 'Give the voice a name.';
    if (this.voices.some(({ name }) => name.toLowerCase() === this.name.trim().toLowerCase()))
      return 'There is a voice of this name already.';
    if (this.signature.trim() === '') return 'Sign with your name.';
    return null;
  }

  async load(): Promise<void> {
    const reply = await this.bridge.call('voices.list', null);
    if (reply.ok) {
      this.all = reply.value;
      this.phase = 'ready';
    } else if (this.phase === 'ready') this.notices.error(reply.error.message);
    else {
      this.problem = reply.error.message;
      this.phase = 'failed';
    }
  }

  onEvent(event: StudioEvent): void {
    if (event.name === 'voices') this.all = event.payload;
  }

  async takeRecording({ samples, sampleRate }: Sound): Promise<void> {
    await this.takeFile({ name: `Recording ${stamp(new Date())}.wav`, bytes: toWav(samples, sampleRate) });
  }

  /**
   * Opens a sound file to be trimmed. One that can't be read leaves the draft of before as it is, an undo brings that back, and while a
   * recording runs there is none.
   */
  async takeFile(file: NamedBytes): Promise<void> {
    if (this.recorder.state === 'counting' || this.recorder.state === 'recording') {
      this.notices.error('A recording is running. Stop it, and open the file then.');
      return;
    }
    const asked = ++this.#asked;
    this.opening = true;
    const reply = await this.bridge.call('voices.open', file);
    if (asked !== this.#asked) return;
    this.opening = false;
    if (!reply.ok) {
      this.notices.error(reply.error.message);
      return;
    }
    const { draft, region } = this;
    this.draft = { file, sound: fromWav(reply.value.sound) };
    if (draft) this.#offerBack(draft, region);
    await this.trim(reply.value.suggested);
  }

  /** Chooses a part of the draft and has it checked. */
  async trim(region: Region): Promise<void> {
    if (!this.draft) return;
    const asked = ++this.#asked;
    const file = this.draft.file;
    this.region = region;
    this.findings = null;
    const reply = await this.bridge.call('voices.check', { file, region });
    if (asked !== this.#asked) return;
    if (reply.ok) {
      this.findings = reply.value;
      const said = reply.value.map(({ text }) => text).join(' ');
      this.notices.announce(said === '' ? 'Nothing is wrong with this clip.' : said);
    } else {
      this.findings = [];
      this.notices.error(reply.error.message);
    }
  }

  /** Puts the draft away; an undo brings it back. */
  discard(): void {
    const { draft, region } = this;
    if (!draft) return;
    this.#asked++;
    this.draft = null;
    this.recorder.problem = '';
    this.#offerBack(draft, region);
  }

  #offerBack(draft: Draft, region: Region): void {
    const undo = () => {
      this.draft = draft;
      void this.trim(region);
    };
    this.notices.say('The clip was put away.', { label: 'Undo', run: undo });
  }

  async save(): Promise<void> {
    const { draft, region, name, consent } = this;
    if (!draft || this.saving || this.missing !== null) return;
    this.saving = true;
    const reply = await this.bridge.call('voices.add', { name, file: draft.file, region, consent });
    this.saving = false;
    // The clip is still there for another try.
    if (!reply.ok) return void this.notices.error(reply.error.message);
    // Another clip may have been opened meanwhile.
    if (this.draft === draft) this.draft = null;
    this.recorder.problem = '';
    this.name = '';
    this.signature = '';
    this.notices.say(`The voice “${reply.value.name}” was saved.`);
  }

  /** Whether it went through. */
  async rename(id: string, name: string): Promise<boolean> {
    return this.#done(await this.bridge.call('voices.rename', { id, name }));
  }

  async remove({ id, name, items }: Voice): Promise<void> {
    if (!this.#done(await this.bridge.call('voices.remove', { id }))) return;
    const along = items > 0 ? ` and ${plural(items, 'item')} made with it` : '';
    this.notices.say(`“${name}”${along} went to the trash.`, { label: 'Undo', run: () => void this.restore(id) });
  }

  async restore(id: string): Promise<void> {
    this.#done(await this.bridge.call('voices.restore', { id }));
  }

  /** For good; the page asks first. */
  async purge({ id, name }: Voice): Promise<void> {
    if (this.#done(await this.bridge.call('voices.purge', { id }))) this.notices.say(`“${name}” was deleted for good.`);
  }

  async export(id: string): Promise<void> {
    const reply = await this.bridge.call('voices.export', { id });
    if (reply.ok) this.outside.download(reply.value.url, reply.value.name);
    else this.notices.error(reply.error.message);
  }

  /** The studio tells of what changed by an event; only a refusal has to be shown. */
  #done(reply: Reply<unknown>): boolean {
    if (!reply.ok) this.notices.error(reply.error.message);
    return reply.ok;
  }
}

/** What a person agrees to by signing; kept with the date. */
function consentOf(signature: string): string {
  return (
    `I, ${signature}, am the person who speaks in this clip, or have that person’s permission, ` +
    'and agree that ResGen Studio speaks with this voice.'
  );
}

/** “2026-11-25 14.03.59”: sorts by time, and can be a file name anywhere. */
function stamp(date: Date): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}.${two(date.getMinutes())}.${two(date.getSeconds())}`;
}
