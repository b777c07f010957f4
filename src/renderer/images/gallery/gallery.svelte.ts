import type { Bridge, Item, Reply, Result } from '../../../contract/index.js';
import { ITEM_LIMITS } from '../../../contract/index.js';
import { plural } from '../../shared/format.js';
import type { Notices } from '../../shared/notices.svelte.js';
import { Selection } from './selection.svelte.js';

const PAGE = 120;

/** Finished pictures, newest first, read a page at a time. */
export class Gallery {
  items = $state.raw<readonly Item[]>([]);
  /** How many there are in all, read or not. */
  total = $state(0);
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  problem = $state('');
  search = $state('');
  readonly selection = new Selection();
  readonly order = $derived(this.items.map((item) => item.id));
  #loadingMore = false;
  /** Goes up with every new list, so that a page asked for before does not land in it. */
  #generation = 0;

  constructor(
    private readonly bridge: Bridge,
    private readonly notices: Notices,
  ) {}

  async load(): Promise<void> {
    const generation = ++this.#generation;
    const reply = await this.#page(null);
    if (generation !== this.#generation) return;
    if (!reply.ok) {
      this.problem = reply.error.message;
      this.phase = 'failed';
      return;
    }
    this.items = reply.value.items;
    this.total = reply.value.total;
    this.phase = 'ready';
  }

  async loadMore(): Promise<void> {
    const last = this.items.at(-1);
    if (this.#loadingMore || this.phase !== 'ready' || !last || this.items.length >= this.total) return;
    this.#loadingMore = true;
    const generation = this.#generation;
    const reply = await this.#page(last.id);
    this.#loadingMore = false;
    if (generation !== this.#generation) return;
    if (!reply.ok) {
      this.notices.error(reply.error.message);
      return;
    }
    const known = new Set(this.order);
    this.items = [...this.items, ...reply.value.items.filter((item) => !known.has(item.id))];
    // An empty page ends the list even where the count says otherwise, or the sentinel would ask for ever.
    this.total = reply.value.items.length === 0 ? this.items.length : reply.value.total;
  }

  async setSearch(text: string): Promise<void> {
    this.search = text;
    this.selection.clear();
    await this.load();
  }

  onAdded(item: Item): void {
    if (item.kind !== 'image' || this.items.some((i) => i.id === item.id) || !this.#matches(item)) return;
    const at = this.items.findIndex((i) => i.createdAt <= item.createdAt);
    const index = at < 0 ? this.items.length : at;
    this.items = [...this.items.slice(0, index), item, ...this.items.slice(index)];
    this.total += 1;
  }

  onRemoved(ids: readonly string[]): void {
    const gone = new Set(ids);
    const before = this.order;
    const kept = this.items.filter((item) => !gone.has(item.id));
    if (kept.length === this.items.length) return;
    this.total = Math.max(0, this.total - (this.items.length - kept.length));
    this.items = kept;
    this.selection.forget(gone, before);
  }

  find(id: string): Item | null {
    return this.items.find((item) => item.id === id) ?? null;
  }

  get selected(): readonly Item[] {
    return this.items.filter((item) => this.selection.has(item.id));
  }

  /** To the trash at once, with a toast that brings them back. */
  async remove(ids: readonly string[]): Promise<void> {
    const gone = ids.slice(0, ITEM_LIMITS.perCall);
    if (gone.length === 0) return;
    const reply = await this.bridge.call('items.remove', { ids: gone });
    if (!reply.ok) {
      this.notices.error(reply.error.message);
      return;
    }
    this.onRemoved(gone);
    this.notices.say(`${plural(gone.length, 'picture')} deleted.`, { label: 'Undo', run: () => void this.restore(gone) });
  }

  /** Out of the trash; the studio then says of each that it was added. */
  async restore(ids: readonly string[]): Promise<void> {
    const reply = await this.bridge.call('items.restore', { ids: [...ids] });
    if (!reply.ok) this.notices.error(reply.error.message);
    else this.notices.announce(`${plural(ids.length, 'picture')} restored.`);
  }

  #page(before: string | null): Promise<Reply<Result<'items.list'>>> {
    return this.bridge.call('items.list', { limit: PAGE, before, kind: 'image', search: this.search.trim() });
  }

  #matches(item: Item): boolean {
    const text = this.search.trim().toLowerCase();
    if (text === '') return true;
    return [item.recipe.className, item.recipe.source].some((name) => name?.toLowerCase().includes(text));
  }
}
