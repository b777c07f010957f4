import { setImmediate } from 'node:timers/promises';
import { type Params, type Recipe, type Result, StudioError } from '../../contract/index.js';
import type { Codebooks } from '../../engine/inspect/codebooks.js';
import { CodeCounts, depthEnergy } from '../../engine/inspect/measures.js';
import { principalPlane } from '../../engine/inspect/plane.js';
import type { ModelPackage } from '../../engine/package.js';
import type { Exports } from '../exports.js';
import type { ItemsStore } from '../items-store.js';
import type { Models } from '../models.js';
import { bytesOf } from './bytes.js';
import { Recent } from '../recent.js';
import { type TokenStore, misfit } from './token-store.js';
import { type Views, contentType } from './views.js';

/** Positions of a sound that shows what a code is like: long enough to hear. */
const SOUND_POSITIONS = 50;
/** Codes of items in 16 bits each: of 32,000 pictures of 64 positions and 16 depths. */
const CODES_KEPT = 64 << 20;
/** Enough to tell rare codes from common ones: 32,000 positions of pictures, read in a moment however large the library is. */
const NEWEST = 500;
/** Items looked through between two turns of the event loop. */
const ITEMS_PER_TURN = 100;
const MISFIT = new Uint16Array();

/** What can be said of a model's codes, and of how the library's items use them. */
export class CodebookPage {
  /** Counts over all items of a model, with the items that were counted. */
  readonly #counted = new Map<string, { ids: ReadonlySet<string>; counts: CodeCounts }>();
  /** By package and item: looking through a library once more must not read it once more. */
  readonly #codes = new Recent<Uint16Array>(CODES_KEPT);

  constructor(
    private readonly store: TokenStore,
    private readonly items: ItemsStore,
    private readonly models: Models,
    private readonly views: Views,
    private readonly exports: Exports,
  ) {}

  async usage({ model: id, of }: Params<'codebook.usage'>): Promise<Result<'codebook.usage'>> {
    const model = await this.models.find(id);
    const ids = this.items.ofModel(id, of);
    const counts = of === null ? await this.#countAll(model) : await this.#count(model, ids);
    const energy = depthEnergy(counts, await this.store.codebooks(model));
    const depths = energy.map((share, j) => {
      const { used, entropyBits } = counts.usage(j + 1);
      const perplexity = counts.positions === 0 ? 0 : 2 ** entropyBits;
      return { depth: j + 1, used, dead: counts.V - used, perplexity, entropyBits, energy: share };
    });
    const { items, positions } = counts;
    return { items, leftOut: Math.max(0, ids.length - items), positions, depths, counts: bytesOf(counts.counts) };
  }

  /** Over the newest items of the model. */
  async countNewest(model: ModelPackage): Promise<CodeCounts> {
    return this.#count(model, this.items.ofModel(model.manifest.id, null, NEWEST));
  }

  /** Over all items of the model outside the trash. */
  async #countAll(model: ModelPackage): Promise<CodeCounts> {
    const { id } = model.manifest;
    const ids = new Set(this.items.ofModel(id, null));
    const known = this.#counted.get(id);
    // Tokens never change, so only what came since has to be read. Where something went away, all is counted again.
    const before = known && [...known.ids].every((item) => ids.has(item)) ? known : null;
    const fresh = before ? [...ids].filter((item) => !before.ids.has(item)) : [...ids];
    if (before && fresh.length === 0) return before.counts;
    const counts = await this.#count(model, fresh, before?.counts);
    this.#counted.set(id, { ids, counts });
    return counts;
  }

  async map({ model, depth }: Params<'codebook.map'>): Promise<Result<'codebook.map'>> {
    const codebooks = await this.#codebooks(model, depth);
    const { points, explained } = principalPlane(codebooks, depth);
    return { points: bytesOf(points), norm: bytesOf(codebooks.norms(depth)), explained };
  }

  async nearest({ model, depth, code, count }: Params<'codebook.nearest'>): Promise<Result<'codebook.nearest'>> {
    const codebooks = await this.#codebooks(model, depth, [code]);
    return codebooks.nearest(depth, code, count);
  }

  async look({ model: id, depth, codes, base }: Params<'codebook.look'>): Promise<Result<'codebook.look'>> {
    const codebooks = await this.#codebooks(id, depth, codes);
    const model = await this.models.find(id);
    const { codes: under, recipe } = await this.#under(model, codebooks, base);
    // As for the item itself: only one depth of it is another.
    if (recipe && model.manifest.sound) this.exports.checkVoices(recipe);
    const L = under.length / codebooks.D;
    const frames = await this.views.frames(
      model,
      codes.map((code) => {
        const tokens = under.slice();
        for (let i = 0; i < L; i++) tokens[i * codebooks.D + depth - 1] = code;
        return { codes: tokens, depth: new Int32Array(L).fill(depth) };
      }),
    );
    return { contentType: contentType(model.manifest), frames: await this.views.encode(model.manifest, frames, recipe) };
  }

  async itemsWith({ model: id, depth, code, of, before, limit }: Params<'codebook.items'>): Promise<Result<'codebook.items'>> {
    const { D } = await this.#codebooks(id, depth, [code]);
    const holders: { id: string; positions: number[] }[] = [];
    await this.#lookThrough(await this.models.find(id), this.items.ofModel(id, of), (codes, item) => {
      const positions: number[] = [];
      for (let n = depth - 1; n < codes.length; n += D) if (codes[n] === code) positions.push((n - depth + 1) / D);
      if (positions.length > 0) holders.push({ id: item, positions });
    });
    const from = before === null ? 0 : holders.findIndex((holder) => holder.id === before) + 1;
    const page = holders.slice(from, from + limit);
    return { total: holders.length, found: page.map((holder) => ({ item: this.items.get(holder.id), positions: holder.positions })) };
  }

  async #count(model: ModelPackage, ids: readonly string[], before?: CodeCounts): Promise<CodeCounts> {
    const { D, V } = model.manifest.tokens;
    // A copy: another call may be counting on from the same ones.
    const counts = before?.copy() ?? new CodeCounts(D, V);
    await this.#lookThrough(model, ids, (codes) => counts.add(codes));
    return counts;
  }

  /** Shows the codes `[L * D]` of each item that has the model's shape. */
  async #lookThrough(model: ModelPackage, ids: readonly string[], show: (codes: Uint16Array, id: string) => void): Promise<void> {
    for (const [n, id] of ids.entries()) {
      if (n % ITEMS_PER_TURN === ITEMS_PER_TURN - 1) await setImmediate();
      const codes = await this.#codesOf(model, id);
      if (codes.length > 0) show(codes, id);
    }
  }

  /** Empty for items of another version that have another shape, whose codes mean something else, and for damaged ones. */
  async #codesOf(model: ModelPackage, id: string): Promise<Uint16Array> {
    const key = `${model.folder} ${model.manifest.version} ${id}`;
    const known = this.#codes.get(key);
    if (known) return known;
    try {
      const file = await this.store.read(id);
      const codes = misfit(file, model.manifest) === null ? Uint16Array.from(file.codes) : MISFIT;
      this.#codes.set(key, codes, codes.byteLength + key.length);
      return codes;
    } catch (error) {
      if (error instanceof StudioError && error.code === 'bad-file') return MISFIT;
      throw error;
    }
  }

  /** Tokens to put a code on: the item's, or of each depth the code next to nothing. */
  async #under(
    { manifest }: ModelPackage,
    codebooks: Codebooks,
    base: string | null,
  ): Promise<{ codes: Int32Array; recipe: Recipe | null }> {
    if (base !== null) {
      const { item, file, model } = await this.store.open(base);
      if (model.manifest.id === manifest.id) return { codes: file.codes, recipe: item.recipe };
      throw new StudioError('bad-request', `That item is of the model “${model.manifest.id}”. Choose one of “${manifest.id}”.`);
    }
    const L = manifest.sound ? Math.min(SOUND_POSITIONS, manifest.tokens.L) : manifest.tokens.L;
    const quiet = Array.from({ length: codebooks.D }, (_, j) => codebooks.quietest(j + 1));
    return { codes: Int32Array.from({ length: L * codebooks.D }, (_, n) => quiet[n % codebooks.D] ?? 0), recipe: null };
  }

  async #codebooks(id: string, depth: number, codes: readonly number[] = []): Promise<Codebooks> {
    const codebooks = await this.store.codebooks(await this.models.find(id));
    if (depth > codebooks.D)
      throw new StudioError('bad-request', `The model “${id}” has ${codebooks.D} depths. Choose one from 1 to ${codebooks.D}.`);
    if (codes.some((code) => code >= codebooks.V))
      throw new StudioError('bad-request', `The model “${id}” has codes 0 to ${codebooks.V - 1}. Choose one of them.`);
    return codebooks;
  }
}
