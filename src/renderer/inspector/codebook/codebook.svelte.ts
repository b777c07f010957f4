import type { Bridge, DepthUsage, Item, ItemSet } from '../../../contract/index.js';
import { Latest } from '../latest.js';
import { readFrame, type Frame } from '../frames.js';
import { readPixels } from '../pixels.js';
import { floats, ints, type Tokens } from '../source.js';

const NEAREST = 6;
/** Items of a page of those that hold a code. */
const HOLDERS = 60;

export interface Usage {
  readonly items: number;
  readonly leftOut: number;
  readonly depths: readonly DepthUsage[];
  /** `[D * V]`: how often each code occurs. */
  readonly counts: Int32Array;
}

/** The codes of one depth on a plane. */
export interface CodeMap {
  /** `[V * 2]` */
  readonly points: Float32Array;
  /** `[V]` */
  readonly norm: Float32Array;
  readonly explained: readonly [number, number];
}

/** A code near the one that is looked at, or that one itself. */
export interface Neighbour {
  readonly code: number;
  /** Length of the difference of their embeddings. */
  readonly distance: number;
  /** What it looks or sounds like; null until it is decoded, and where nothing decodes it. */
  readonly frame: Frame | null;
}

export interface Holder {
  readonly item: Item;
  readonly positions: readonly number[];
}

/** Which of the model's items the page is about. */
export type Scope =
  | { readonly kind: 'all' | 'favourites' }
  | { readonly kind: 'tag'; readonly tag: string }
  | { readonly kind: 'chosen'; readonly ids: readonly string[] };

/** The codebook of a model, one depth and one code of it at a time. It outlives the item that is open, as long as that is of this model. */
export class CodebookView {
  /** 1..D */
  depth = $state(1);
  code = $state(0);
  scope = $state.raw<Scope>({ kind: 'all' });
  /** Words that narrow the scope further. */
  search = $state('');
  /** What was last chosen elsewhere, so that one can come back to it. */
  chosen = $state.raw<readonly string[]>([]);
  tags = $state.raw<readonly string[]>([]);
  usage = $state.raw<Usage | null>(null);
  map = $state.raw<CodeMap | null>(null);
  /** The code and those nearest to it, in the order of their distance. */
  neighbourhood = $state.raw<readonly Neighbour[] | null>(null);
  holders = $state.raw<readonly Holder[] | null>(null);
  /** How many hold the code, listed in `holders` or not. */
  holdersTotal = $state(0);
  problem = $state('');
  #latest = new Latest();
  #maps = new Map<number, CodeMap>();
  #loaded = false;
  /** Goes up with every change of the set, so that counts of the last one do not come after. */
  #set = 0;

  constructor(
    private readonly tokens: Tokens,
    private readonly bridge: Bridge,
    private readonly read: typeof readPixels = readPixels,
  ) {
    this.code = tokens.codes[0] ?? 0;
  }

  get D(): number {
    return this.tokens.D;
  }

  /** Whether its codes can be seen or heard. */
  get looks(): boolean {
    return this.tokens.cannot.decode === null;
  }

  get V(): number {
    return this.tokens.V;
  }

  get model(): string {
    return this.tokens.item.recipe.model.id;
  }

  /** Whether these tokens are of this very codebook. */
  isOf({ item, D, V }: Tokens): boolean {
    const [own, other] = [this.tokens.item.recipe.model, item.recipe.model];
    return own.id === other.id && own.version === other.version && D === this.D && V === this.V;
  }

  /** How often each code of this depth occurs, `[V]`. */
  readonly counts = $derived.by(() => this.usage?.counts.subarray((this.depth - 1) * this.V, this.depth * this.V) ?? null);

  /** What the code itself looks or sounds like. */
  readonly look = $derived(this.neighbourhood?.[0]?.frame ?? null);

  get #of(): ItemSet {
    const { scope } = this;
    if (scope.kind === 'chosen') return { ids: [...scope.ids] };
    const search = this.search.trim();
    if (scope.kind === 'all' && search === '') return null;
    const tag = scope.kind === 'tag' ? scope.tag : null;
    const filter = { favourites: scope.kind === 'favourites', tag, voice: null, from: null, until: null };
    return { search, filter };
  }

  /** Items came or went: the next `load` counts again. */
  forget(): void {
    this.#loaded = false;
  }

  /** Reads what the page shows first; a second call does nothing. */
  async load(): Promise<void> {
    if (this.#loaded) return;
    this.#loaded = true;
    const summary = await this.bridge.call('library.summary', null);
    if (summary.ok) this.tags = summary.value.tags.map(({ name }) => name);
    await Promise.all([this.#count(), this.choose(this.depth, this.code)]);
  }

  async setScope(scope: Scope): Promise<void> {
    if (scope.kind === 'chosen') this.chosen = scope.ids;
    this.scope = scope;
    await this.#recount();
  }

  async setSearch(words: string): Promise<void> {
    this.search = words;
    await this.#recount();
  }

  async choose(depth: number, code: number): Promise<void> {
    this.depth = depth;
    this.code = code;
    this.map = this.#maps.get(depth) ?? null;
    this.neighbourhood = this.holders = null;
    await this.#latest.run(() => this.#read(depth, code));
  }

  /** The next page of those that hold the code. */
  async moreHolders(): Promise<void> {
    const known = this.holders;
    const last = known?.at(-1);
    if (!known || !last) return;
    const { depth, code } = this;
    const set = this.#set;
    const reply = await this.#holders(depth, code, last.item.id);
    if (set !== this.#set || depth !== this.depth || code !== this.code) return;
    if (!reply.ok) {
      this.problem = reply.error.message;
      return;
    }
    const ids = new Set(known.map(({ item }) => item.id));
    this.holders = [...known, ...reply.value.found.filter(({ item }) => !ids.has(item.id))];
    // An empty page ends the list even where the count says otherwise.
    this.holdersTotal = reply.value.found.length === 0 ? this.holders.length : reply.value.total;
  }

  async #recount(): Promise<void> {
    // Items came or went while the page was looked at.
    if (!this.#loaded) return this.load();
    this.#set++;
    this.holders = null;
    const { depth, code } = this;
    await Promise.all([this.#count(), this.#readHolders(depth, code)]);
  }

  async #count(): Promise<void> {
    const set = this.#set;
    const reply = await this.bridge.call('codebook.usage', { model: this.model, of: this.#of });
    if (set !== this.#set) return;
    if (!reply.ok) {
      this.problem = reply.error.message;
      return;
    }
    const { items, leftOut, depths, counts } = reply.value;
    this.usage = { items, leftOut, depths, counts: ints(counts) };
  }

  #holders(depth: number, code: number, before: string | null) {
    return this.bridge.call('codebook.items', { model: this.model, depth, code, of: this.#of, before, limit: HOLDERS });
  }

  async #readHolders(depth: number, code: number): Promise<void> {
    const set = this.#set;
    const reply = await this.#holders(depth, code, null);
    if (set !== this.#set || depth !== this.depth || code !== this.code) return;
    if (!reply.ok) {
      this.problem = reply.error.message;
      return;
    }
    this.holders = reply.value.found;
    this.holdersTotal = reply.value.total;
  }

  async #read(depth: number, code: number): Promise<void> {
    const { model, bridge } = this;
    const stale = () => depth !== this.depth || code !== this.code;
    this.problem = '';
    const [map, nearest] = await Promise.all([
      this.#maps.has(depth) ? null : bridge.call('codebook.map', { model, depth }),
      bridge.call('codebook.nearest', { model, depth, code, count: NEAREST }),
      this.#readHolders(depth, code),
    ]);
    if (map?.ok) this.#maps.set(depth, { ...map.value, points: floats(map.value.points), norm: floats(map.value.norm) });
    if (stale()) return;
    for (const reply of [map, nearest]) if (reply && !reply.ok) this.problem = reply.error.message;
    this.map = this.#maps.get(depth) ?? null;
    if (!nearest.ok) return;
    const near = nearest.value.filter((one) => one.code !== code);
    this.neighbourhood = [{ code, distance: 0 }, ...near].map((one) => ({ ...one, frame: null }));
    if (!this.looks) return;
    // Last, since it waits for the engine and the rest does not: the code itself, then those about it.
    for (const codes of [[code], near.map((one) => one.code)]) if (!stale()) await this.#look(depth, codes, stale);
  }

  async #look(depth: number, codes: readonly number[], stale: () => boolean): Promise<void> {
    if (codes.length === 0) return;
    const reply = await this.bridge.call('codebook.look', { model: this.model, depth, codes: [...codes], base: null });
    if (stale()) return;
    if (!reply.ok) {
      this.problem = reply.error.message;
      return;
    }
    const { contentType, frames } = reply.value;
    const seen = new Map(await Promise.all(codes.map(async (code, n) => [code, await this.#frame(contentType, frames[n])] as const)));
    if (!stale()) this.neighbourhood = this.neighbourhood?.map((one) => ({ ...one, frame: seen.get(one.code) ?? one.frame })) ?? null;
  }

  async #frame(contentType: string, bytes: Uint8Array | undefined): Promise<Frame | null> {
    return bytes ? readFrame(contentType, bytes, this.read) : null;
  }
}
