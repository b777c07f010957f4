import { mkdirSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Item, ItemId, type Recipe, type Sound, StudioError } from '../contract/index.js';
import { readTokenFile, writeTokenFile } from '../engine/tokens.js';
import { PARTIAL, writeFolder } from './files.js';
import { newId } from './ids.js';
import type { ItemsStore } from './items-store.js';
import { type PictureEncoder, type Pixels, THUMBNAIL, toThumbnail } from './pictures.js';
import { pngSize } from './png-text.js';
import { embedInPng } from './recipe-file.js';
import { markedWav } from './sound-marks.js';
import { isWhole } from './whole-file.js';

/** How long the trash keeps things. */
export const TRASH_MS = 30 * 24 * 3600 * 1000;

/** As every item begins. */
const UNMARKED = { favourite: false, tags: [] as string[] } as const;

/** What the engine made, before it is an item. */
export interface NewItem {
  recipe: Recipe;
  /** What a speaking model made; its file is kept beside the tokens. */
  sound?: Sound;
  /** Null for sounds, and for tokens that nothing here can decode. */
  picture: Pixels | null;
  /** Shape of the token arrays, `[L * D]` each. */
  shape: { L: number; D: number; grid?: readonly [number, number] | undefined };
  tokens: Int32Array;
  revealedAt?: Uint8Array;
  confidence?: Float32Array;
  durationMs: number | null;
  job: { id: string; index: number } | null;
}

export const itemFiles = { picture: 'picture.png', tokens: 'tokens.safetensors', thumbnail: 'thumbnail.webp', sound: 'sound.wav' } as const;
export type ItemFile = (typeof itemFiles)[keyof typeof itemFiles];

/** Items on disk: a folder each, and a row in the database that is written after it and is what makes it exist. */
export class Library {
  readonly #folder: string;

  constructor(
    dataFolder: string,
    private readonly items: ItemsStore,
    private readonly encoder: PictureEncoder,
  ) {
    this.#folder = join(dataFolder, 'items');
    mkdirSync(this.#folder, { recursive: true });
  }

  /**
   * For the start, before anything is written: removes what a crash left half-written and what has been in the trash for a month, and
   * takes in whole items that the database does not know, so that losing the database loses no picture.
   * @param jobOf the place of an item in a job that a crash has interrupted between the item's files and its row: the job must not make it
   * again
   */
  tidy(jobOf: (recipe: Recipe) => NewItem['job']): void {
    for (const id of this.items.trashedBefore(Date.now() - TRASH_MS)) {
      rmSync(join(this.#folder, id), { recursive: true, force: true });
      this.items.forget(id);
    }
    const known = this.items.ids();
    for (const name of readdirSync(this.#folder).sort()) {
      if (name.startsWith(PARTIAL)) rmSync(join(this.#folder, name), { recursive: true, force: true });
      else if (ItemId.safeParse(name).success && !known.has(name)) this.#adopt(name, jobOf);
    }
  }

  #adopt(id: string, jobOf: (recipe: Recipe) => NewItem['job']): void {
    try {
      const { recipe } = readTokenFile(readFileSync(this.path(id, itemFiles.tokens)));
      const size = recipe.kind === 'image' ? pngSize(readFileSync(this.path(id, itemFiles.picture))) : { width: null, height: null };
      const createdAt = Math.round(statSync(this.path(id, itemFiles.tokens)).mtimeMs);
      const job = jobOf(recipe);
      this.items.add(
        { id, kind: recipe.kind, createdAt, jobId: job?.id ?? null, recipe, ...size, durationMs: null, deletedAt: null, ...UNMARKED },
        job?.index ?? null,
      );
    } catch (error) {
      // Not an item after all, or a damaged one: it stays where it is for the person to look at.
      if (!(error instanceof StudioError) && !(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }

  /**
   * Removes items from the trash, files and all; returns how many. The folder is marked as half-made before the row goes: a crash between
   * the two would otherwise bring the item back at the next start, out of the trash.
   */
  async purge(ids: readonly string[] | null): Promise<number> {
    const trashed = this.items.trashed(ids);
    for (const id of trashed) {
      const gone = join(this.#folder, PARTIAL + id);
      try {
        await rename(join(this.#folder, id), gone);
      } catch (error) {
        // Taken away by hand, or by a purge that did not end.
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
      }
      this.items.forget(id);
      await rm(gone, { recursive: true, force: true });
    }
    return trashed.length;
  }

  path(id: string, file: ItemFile): string {
    return join(this.#folder, id, file);
  }

  async add(made: NewItem): Promise<Item> {
    const { recipe, picture, sound, shape, durationMs, job } = made;
    const size = picture?.size ?? null;
    const item: Item = {
      id: newId(),
      kind: recipe.kind,
      createdAt: Date.now(),
      jobId: job?.id ?? null,
      recipe,
      width: size,
      height: size,
      durationMs,
      deletedAt: null,
      ...UNMARKED,
    };
    const folder = join(this.#folder, item.id);
    await writeFolder(folder, {
      ...(picture && {
        [itemFiles.picture]: embedInPng(await this.encoder.png(picture), recipe, { width: picture.size, height: picture.size }),
        ...(picture.size > THUMBNAIL && { [itemFiles.thumbnail]: await toThumbnail(picture) }),
      }),
      ...(sound && { [itemFiles.sound]: markedWav(sound, recipe) }),
      [itemFiles.tokens]: writeTokenFile({
        L: shape.L,
        D: shape.D,
        ...(shape.grid && { grid: shape.grid }),
        codes: made.tokens,
        ...(made.revealedAt && { revealedAt: made.revealedAt }),
        ...(made.confidence && { confidence: made.confidence }),
        model: recipe.model.id,
        version: recipe.model.version,
        recipe,
      }),
    });
    try {
      this.items.add(item, job?.index ?? null);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
    return item;
  }

  /** @throws StudioError `bad-file` where the file has been taken away or is cut off */
  async read(id: string, file: ItemFile): Promise<Buffer> {
    return readFile(await this.whole(id, file));
  }

  /** Path of a file that has its end. @throws StudioError as `read` */
  async whole(id: string, file: ItemFile): Promise<string> {
    const path = this.path(id, file);
    const whole = await isWhole(path).catch((cause: unknown) => {
      throw this.#badFile(`The file ${file} of an item is missing from`, id, cause);
    });
    if (!whole) throw this.#badFile(`The file ${file} of an item is damaged or cut off. It is in`, id);
    return path;
  }

  #badFile(what: string, id: string, cause?: unknown): StudioError {
    return new StudioError('bad-file', `${what} ${join(this.#folder, id)}. Restore it from a copy, or delete the item.`, { cause });
  }
}
