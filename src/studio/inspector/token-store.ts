import { type Item, type Manifest, StudioError } from '../../contract/index.js';
import { type Codebooks, readCodebooks } from '../../engine/inspect/codebooks.js';
import type { Tokens } from '../../engine/inspect/edits.js';
import type { ModelPackage } from '../../engine/package.js';
import { type TokenFile, readTokenFile } from '../../engine/tokens.js';
import type { ItemsStore } from '../items-store.js';
import { type Library, itemFiles } from '../library.js';
import type { Models } from '../models.js';
import { Recent } from '../recent.js';

const TOKENS_KEPT = 64 << 20;
const CODEBOOKS_KEPT = 256 << 20;

/** An item with its tokens and the package that they are of. */
export interface OpenItem {
  item: Item;
  file: TokenFile;
  model: ModelPackage;
}

/** Tokens of items and codebooks of models, kept at hand: neither ever changes. */
export class TokenStore {
  readonly #files = new Recent<TokenFile>(TOKENS_KEPT);
  readonly #codebooks = new Recent<Codebooks>(CODEBOOKS_KEPT);

  constructor(
    private readonly items: ItemsStore,
    private readonly library: Library,
    private readonly models: Models,
  ) {}

  /** @throws StudioError `not-found`, `bad-model`, `bad-file` */
  async open(id: string): Promise<OpenItem> {
    const item = this.items.get(id);
    const file = await this.tokens(id);
    const model = await this.models.find(item.recipe.model.id);
    checkFits(file, model.manifest);
    return { item, file, model };
  }

  async tokens(id: string): Promise<TokenFile> {
    const known = this.#files.get(id);
    if (known) return known;
    const file = await this.read(id);
    this.#files.set(id, file, file.codes.byteLength * 2 + (file.revealedAt?.byteLength ?? 0) + (file.confidence?.byteLength ?? 0));
    return file;
  }

  /** Without keeping it at hand: for looking through many items. */
  async read(id: string): Promise<TokenFile> {
    return this.#files.get(id) ?? readTokenFile(await this.library.read(id, itemFiles.tokens));
  }

  async codebooks(model: ModelPackage): Promise<Codebooks> {
    const key = `${model.folder} ${model.manifest.files.codebooks.sha256}`;
    const known = this.#codebooks.get(key);
    if (known) return known;
    const codebooks = await readCodebooks(model);
    this.#codebooks.set(key, codebooks, codebooks.D * codebooks.V * codebooks.H * 4);
    return codebooks;
  }
}

/** Why the tokens can't be of the model, or null where they can. */
export function misfit({ L, D, codes }: Tokens, { id, tokens, sound }: Manifest): string | null {
  if (D !== tokens.D || (sound ? L > tokens.L : L !== tokens.L)) {
    return `These tokens are [${L}, ${D}] and the model “${id}” has [${tokens.L}, ${tokens.D}]. Use the model and version they were made with.`;
  }
  if (codes.some((code) => code >= tokens.V)) {
    return `These tokens have codes above ${tokens.V - 1}, the last of the model “${id}”. Choose their own model.`;
  }
  return null;
}

/** @throws StudioError `bad-file` where the tokens can't be of the model */
export function checkFits(file: Tokens, manifest: Manifest): void {
  const problem = misfit(file, manifest);
  if (problem !== null) throw new StudioError('bad-file', problem);
}
