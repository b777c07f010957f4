import type { Bridge, Item, ItemFilter, Reply, Result } from '../../../contract/index.js';
import { LIBRARY_LIMITS } from '../../../contract/index.js';
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
  filter = $state.raw<Partial<ItemFilter>>({});
  readonly selection = new Selection();
  readonly order = $derived(this.items.map((item) => item.id));
  #loadingMore = false;
  /** Goes up with every new list, so that a page asked for before does not land in it. */
  #generation = 0;

  constructor(
    private readonly bridge: Bridge,
    private readonly notices: Notices,
    /** Null lists items of every kind. */
    private readonly kind: Item['kind'] | null = 'image',
    /** Words that an item is found by besides its own: the names of its preset and of its voice. */
    private readonly otherWords: (item: Item) => readonly string[] = () => [],
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

  async setFilter(filter: Partial<ItemFilter>): Promise<void> {
    this.filter = filter;
    this.selection.clear();
    await this.load();
  }

  /** Items whose marks changed: some may not belong here any more. */
  onChanged(items: readonly Item[]): void {
    const changed = new Map(items.map((item) => [item.id, item]));
    this.items = this.items.map((item) => changed.get(item.id) ?? item);
    this.onRemoved(items.filter((item) => this.find(item.id) && !this.#passes(item)).map((item) => item.id));
  }

  onAdded(item: Item): void {
    if (
      (this.kind !== null && item.kind !== this.kind) ||
      !this.#passes(item) ||
      this.items.some((i) => i.id === item.id) ||
      !this.#matches(item)
    )
      return;
    const at = this.items.findIndex((i) => i.createdAt <= item.createdAt);
    // Older than all that is loaded: it comes with its page, and as the last one here it would hide what lies between.
    if (at < 0 && this.items.length < this.total) {
      this.total += 1;
      return;
    }
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

  /** What an action without a list of its own is about: what is selected, else the picture under the cursor. */
  get targets(): readonly Item[] {
    return this.selection.size > 0 ? this.selected : this.items.filter(({ id }) => id === this.selection.active);
  }

  /** To the trash at once, with a toast that brings them back. */
  async remove(ids: readonly string[]): Promise<void> {
    const gone = ids.slice(0, LIBRARY_LIMITS.perCall);
    // What is in the trash leaves it for good only where the person is asked first.
    if (gone.length === 0 || this.filter.place === 'trash') return;
    const reply = await this.bridge.call('items.remove', { ids: gone });
    if (!reply.ok) {
      this.notices.error(reply.error.message);
      return;
    }
    this.onRemoved(gone);
    this.notices.say(`${plural(gone.length, this.#thing)} deleted.`, { label: 'Undo', run: () => void this.restore(gone) });
  }

  /** Out of the trash; the studio then says of each that it was added. */
  async restore(ids: readonly string[]): Promise<void> {
    const reply = await this.bridge.call('items.restore', { ids: [...ids] });
    if (!reply.ok) this.notices.error(reply.error.message);
    else this.notices.announce(`${plural(ids.length, this.#thing)} restored.`);
  }

  get #thing(): string {
    return this.kind === 'image' ? 'picture' : 'item';
  }

  #page(before: string | null): Promise<Reply<Result<'items.list'>>> {
    return this.bridge.call('items.list', { limit: PAGE, before, kind: this.kind, search: this.search.trim(), filter: this.filter });
  }

  #passes(item: Item): boolean {
    const { place = 'library', favourites, model, tag, voice, from, until } = this.filter;
    if ((place === 'trash') !== (item.deletedAt !== null) || (favourites && !item.favourite)) return false;
    if (model && item.recipe.model.id !== model) return false;
    if (voice && item.recipe.voice !== voice) return false;
    if (tag && !item.tags.some((own) => own.toLowerCase() === tag.toLowerCase())) return false;
    return item.createdAt >= (from ?? -Infinity) && item.createdAt < (until ?? Infinity);
  }

  /** As the studio searches: every word has to begin a word of the item. */
  #matches(item: Item): boolean {
    const { recipe, tags } = item;
    const facts = [recipe.className, recipe.source, recipe.speech?.text, recipe.model.id, recipe.seed, ...tags, ...this.otherWords(item)];
    const own = wordsOf(facts.join(' '));
    return wordsOf(this.search).every((word) => own.some((candidate) => candidate.startsWith(word)));
  }
}

const wordsOf = (text: string): readonly string[] => text.toLowerCase().match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
