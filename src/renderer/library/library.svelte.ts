import type { Bridge, Item, ItemFilter, LibrarySummary, StudioEvent } from '../../contract/index.js';
import { LIBRARY_LIMITS } from '../../contract/index.js';
import { Gallery } from '../images/gallery/gallery.svelte.js';
import type { Notices } from '../shared/notices.svelte.js';
import { plural } from '../shared/format.js';

/** Changes come in bursts while a job runs; counting after each would be work for nothing. */
const COUNT_PAUSE_MS = 500;

/** The actions of the Library page. */
export class LibraryPage {
  readonly list: Gallery;
  summary = $state.raw<LibrarySummary | null>(null);
  /** True while the page is in front; behind another one it does not follow events. */
  #shown = false;
  #counting: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly bridge: Bridge,
    private readonly notices: Notices,
    /** As of `Gallery`. */
    otherWords: (item: Item) => readonly string[] = () => [],
  ) {
    this.list = new Gallery(bridge, notices, null, otherWords);
  }

  get inTrash(): boolean {
    return this.list.filter.place === 'trash';
  }

  /** Reads the page; returns the function that lets go of it. */
  show(): () => void {
    this.#shown = true;
    void Promise.all([this.list.load(), this.count()]);
    return () => {
      this.#shown = false;
      clearTimeout(this.#counting);
    };
  }

  onEvent(event: StudioEvent): void {
    if (!this.#shown) return;
    if (event.name === 'itemAdded') {
      // In the trash, what was restored is what goes.
      if (this.inTrash) this.list.onRemoved([event.payload.id]);
      else this.list.onAdded(event.payload);
    } else if (event.name === 'itemsRemoved') {
      if (this.inTrash) void this.list.load();
      else this.list.onRemoved(event.payload);
    } else if (event.name === 'itemsChanged') this.list.onChanged(event.payload);
    // A voice may have another name now; its items come and go by their own events.
    else if (event.name !== 'voices') return;
    clearTimeout(this.#counting);
    this.#counting = setTimeout(() => void this.count(), COUNT_PAUSE_MS);
  }

  async count(): Promise<void> {
    const reply = await this.bridge.call('library.summary', null);
    if (reply.ok) this.summary = reply.value;
    else this.notices.error(reply.error.message);
  }

  narrow(filter: Partial<ItemFilter>): Promise<void> {
    return this.list.setFilter(filter);
  }

  /** Makes all of them favourites, or none where all are. */
  async toggleFavourite(ids: readonly string[]): Promise<void> {
    const favourite = !ids.every((id) => this.list.find(id)?.favourite);
    await this.#change(this.bridge.call('items.favourite', { ids: [...ids], favourite }));
  }

  async addTag(ids: readonly string[], tag: string): Promise<void> {
    if (tag.trim() === '') return;
    await this.#change(this.bridge.call('items.tag', { ids: [...ids], add: [tag], remove: [] }));
  }

  async removeTag(ids: readonly string[], tag: string): Promise<void> {
    await this.#change(this.bridge.call('items.tag', { ids: [...ids], add: [], remove: [tag] }));
  }

  async restore(ids: readonly string[]): Promise<void> {
    await this.list.restore(ids);
  }

  /** For good; null is the whole trash. The page asks first. */
  async purge(ids: readonly string[] | null): Promise<void> {
    const reply = await this.bridge.call('items.purge', { ids: ids && ids.slice(0, LIBRARY_LIMITS.perCall) });
    if (!reply.ok) {
      this.notices.error(reply.error.message);
      return;
    }
    this.notices.say(`${plural(reply.value.removed, 'item')} deleted for good.`);
    await Promise.all([this.list.setFilter(this.list.filter), this.count()]);
  }

  /** The studio tells of what changed by an event; only a refusal has to be shown. */
  async #change(call: Promise<{ ok: true } | { ok: false; error: { message: string } }>): Promise<void> {
    const reply = await call;
    if (!reply.ok) this.notices.error(reply.error.message);
  }
}
