import type { Connection, ConnectionState } from './bridge/connect.js';
import { Images } from './images/images.svelte.js';
import { Inspector } from './inspector/inspector.svelte.js';
import { readPixels } from './inspector/pixels.js';
import { LibraryPage } from './library/library.svelte.js';
import { Reports } from './reports/reports.svelte.js';
import { SettingsPage } from './settings/settings.svelte.js';
import { inspectedId, inspectorAddress, pageOf, speakingVoice, type Page } from './shared/address.js';
import { download, isPicture } from './shared/files.js';
import { Notices } from './shared/notices.svelte.js';
import { SpeakPage } from './speak/speak.svelte.js';
import { Studio } from './studio.svelte.js';
import { microphones } from './voices/microphone.js';
import { VoicesPage } from './voices/voices.svelte.js';

/** The whole window: the connection, the page shown, and one controller for each page. */
export class App {
  connection = $state<ConnectionState>('connecting');
  /** False until the studio has answered once: before that there is nothing to keep on the screen. */
  everConnected = $state(false);
  page = $state<Page>(pageOf(location.hash));
  readonly notices = new Notices();
  readonly studio: Studio;
  readonly images: Images;
  readonly library: LibraryPage;
  readonly inspector: Inspector;
  readonly voices: VoicesPage;
  readonly speak: SpeakPage;
  readonly settings: SettingsPage;
  readonly reports: Reports;

  constructor(private readonly link: Connection) {
    this.studio = new Studio(link.bridge, this.notices);
    this.images = new Images(this.studio, { download, isPicture });
    this.library = new LibraryPage(link.bridge, this.notices, ({ recipe }) => [
      this.studio.presetOf(recipe),
      this.voices.voices.find(({ id }) => id === recipe.voice)?.name ?? '',
    ]);
    this.inspector = new Inspector(this.studio, {
      download,
      readPixels,
      navigate: (id) => (location.hash = inspectorAddress(id)),
      inFront: () => this.page === 'inspector',
    });
    this.voices = new VoicesPage(link.bridge, this.notices, { microphones, host: () => this.studio.info?.host, download });
    this.speak = new SpeakPage(this.studio, { download, voices: this.voices });
    this.settings = new SettingsPage(this.studio);
    this.reports = new Reports(link.bridge, this.notices);
  }

  /** Listens to the studio and the address; returns the function that stops. */
  start(): () => void {
    const unsubscribe = this.link.bridge.subscribe((event) => {
      this.studio.onEvent(event);
      this.images.onEvent(event);
      this.library.onEvent(event);
      this.inspector.onEvent(event);
      this.reports.onEvent(event);
      this.voices.onEvent(event);
      this.speak.onEvent(event);
      this.settings.dictionary.onEvent(event);
    });
    const unwatch = this.link.watch((state) => {
      this.connection = state;
      if (state === 'connected') void this.load();
    });
    const followAddress = () => this.#follow();
    addEventListener('hashchange', followAddress);
    const unwatchPage = this.reports.watchPage(window);
    return () => {
      unsubscribe();
      unwatch();
      unwatchPage();
      removeEventListener('hashchange', followAddress);
    };
  }

  async load(): Promise<void> {
    await this.studio.load();
    this.everConnected ||= this.studio.phase === 'ready';
    if (this.studio.phase !== 'ready') return;
    this.#follow();
    await Promise.all([this.studio.queue.load(), this.images.load(), this.reports.load()]);
  }

  retry(): void {
    this.link.retry();
  }

  #follow(): void {
    this.page = pageOf(location.hash);
    if (this.page === 'speak') this.speak.form.voice = speakingVoice(location.hash) ?? this.speak.form.voice;
    if (this.page === 'inspector' && this.studio.phase === 'ready') void this.inspector.follow(inspectedId(location.hash));
  }
}
