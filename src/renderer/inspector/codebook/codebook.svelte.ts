import type { Bridge, DepthUsage, Item } from '../../../contract/index.js';
import { Latest } from '../latest.js';
import { readFrame, type Frame } from '../frames.js';
import { readPixels } from '../pixels.js';
import { floats, ints, type Tokens } from '../source.js';

const NEAREST = 6;

export interface Usage {
  readonly items: number;
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

export interface Neighbour {
  readonly code: number;
  readonly distance: number;
}

export interface Holder {
  readonly item: Item;
  readonly positions: readonly number[];
}

/** The codebook of the open item's model, one depth and one code of it at a time. */
export class CodebookView {
  /** 1..D */
  depth = $state(1);
  code = $state(0);
  usage = $state.raw<Usage | null>(null);
  map = $state.raw<CodeMap | null>(null);
  nearest = $state.raw<readonly Neighbour[] | null>(null);
  look = $state.raw<Frame | null>(null);
  holders = $state.raw<readonly Holder[] | null>(null);
  problem = $state('');
  #latest = new Latest();
  #maps = new Map<number, CodeMap>();
  #loaded = false;

  constructor(
    readonly tokens: Tokens,
    private readonly bridge: Bridge,
    private readonly read: typeof readPixels = readPixels,
  ) {
    this.code = tokens.codes[0] ?? 0;
  }

  get model(): string {
    return this.tokens.item.recipe.model.id;
  }

  /** How often each code of this depth occurs, `[V]`. */
  readonly counts = $derived.by(() => {
    const { V } = this.tokens;
    return this.usage?.counts.subarray((this.depth - 1) * V, this.depth * V) ?? null;
  });

  /** Reads what the page shows first; a second call does nothing. */
  async load(): Promise<void> {
    if (this.#loaded) return;
    this.#loaded = true;
    const reply = await this.bridge.call('codebook.usage', { model: this.model, ids: null });
    if (reply.ok) this.usage = { items: reply.value.items, depths: reply.value.depths, counts: ints(reply.value.counts) };
    else this.problem = reply.error.message;
    await this.choose(this.depth, this.code);
  }

  async choose(depth: number, code: number): Promise<void> {
    this.depth = depth;
    this.code = code;
    this.map = this.#maps.get(depth) ?? null;
    this.nearest = this.look = this.holders = null;
    await this.#latest.run(() => this.#read(depth, code));
  }

  async #read(depth: number, code: number): Promise<void> {
    const { model, bridge } = this;
    const params = { model, depth, code };
    const stale = () => depth !== this.depth || code !== this.code;
    const [map, nearest, holders] = await Promise.all([
      this.#maps.has(depth) ? null : bridge.call('codebook.map', { model, depth }),
      bridge.call('codebook.nearest', { ...params, count: NEAREST }),
      bridge.call('codebook.items', params),
    ]);
    if (map?.ok) this.#maps.set(depth, { ...map.value, points: floats(map.value.points), norm: floats(map.value.norm) });
    if (stale()) return;
    this.problem = [map, nearest, holders].map((reply) => (reply && !reply.ok ? reply.error.message : '')).find(Boolean) ?? '';
    this.map = this.#maps.get(depth) ?? null;
    if (nearest.ok) this.nearest = nearest.value.filter((near) => near.code !== code);
    if (holders.ok) this.holders = holders.value;
    if (this.tokens.cannot.decode !== null) return;
    // Last, since it waits for the engine and the rest does not.
    const look = await bridge.call('codebook.look', { model, depth, codes: [code], base: null });
    if (stale()) return;
    if (!look.ok) this.problem = look.error.message;
    const frame = look.ok ? look.value.frames[0] : undefined;
    const shown = look.ok && frame ? await readFrame(look.value.contentType, frame, this.read) : null;
    if (!stale()) this.look = shown;
  }
}
