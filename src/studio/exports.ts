import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Zip, ZipPassThrough } from 'fflate';
import { type ExportedFile, type Item, type Params, StudioError, assets } from '../contract/index.js';
import { writeWhole } from './files.js';
import { newId } from './ids.js';
import { type Library, itemFiles } from './library.js';
import { toSheet } from './pictures.js';
import { embedWithSharp, stripPng } from './recipe-file.js';
import { loadSharp } from './sharp.js';

type Format = Exclude<Params<'items.export'>['format'], 'sheet'>;
const EXTENSIONS: Record<Format, string> = { png: 'png', jpeg: 'jpg', webp: 'webp' };

/** Long enough for a slow save dialog. */
const KEEP_MS = 3600 * 1000;

export const EXPORT_FILE = /^[0-9a-z]{21}\.(?:png|jpg|webp|gif|wav|zip|safetensors|npy|csv)$/;

/**
 * Files for the person to save. This is the one place where a picture leaves the studio, so it is the one that decides whether its
 * recipe goes with it.
 */
export class Exports {
  readonly #folder: string;
  readonly #plainFolder: string;

  constructor(
    dataFolder: string,
    private readonly library: Library,
    private readonly embedRecipe: () => boolean,
  ) {
    this.#folder = join(dataFolder, 'exports');
    this.#plainFolder = join(this.#folder, 'plain');
    rmSync(this.#folder, { recursive: true, force: true });
    mkdirSync(this.#plainFolder, { recursive: true });
  }

  path(name: string): string {
    return join(this.#folder, name);
  }

  /** One picture for one item, a zip of them for several, or one contact sheet. */
  async create(items: readonly Item[], format: Params<'items.export'>['format']): Promise<ExportedFile> {
    this.#removeOld();
    if (format === 'sheet') return this.write('ResGen sheet.png', await this.#sheet(items));
    const [first] = items;
    if (items.length === 1 && first) return this.write(`${baseName(first)}.${EXTENSIONS[format]}`, await this.#picture(first, format));
    return this.#zip(items, format);
  }

  /** The picture of an item as it may be shown and saved from a page; the stored one always has its recipe. */
  async served(id: string): Promise<string> {
    if (this.embedRecipe()) return this.library.path(id, itemFiles.picture);
    const plain = join(this.#plainFolder, `${id}.png`);
    const there = await stat(plain).catch(() => null);
    if (!there) await writeWhole(plain, stripPng(await this.library.read(id, itemFiles.picture)));
    return plain;
  }

  async #picture(item: Item, format: Format): Promise<Buffer> {
    if (item.width === null) throw noPicture();
    const stored = await this.library.read(item.id, itemFiles.picture);
    if (format === 'png') return this.embedRecipe() ? stored : stripPng(stored);
    const sharp = await loadSharp();
    const picture = sharp(stored);
    const size = { width: item.width ?? 0, height: item.height ?? 0 };
    const marked = this.embedRecipe() ? embedWithSharp(picture, item.recipe, size) : picture;
    const encoded = format === 'jpeg' ? marked.jpeg({ quality: 95, chromaSubsampling: '4:4:4' }) : marked.webp({ quality: 95 });
    return encoded.toBuffer().catch(damaged);
  }

  async #sheet(items: readonly Item[]): Promise<Buffer> {
    const pictures: Buffer[] = [];
    if (items.some((item) => item.width === null)) throw noPicture();
    for (const item of items) pictures.push(await this.library.read(item.id, itemFiles.picture));
    return toSheet(pictures, Math.max(...items.map((item) => item.width ?? 1))).catch(damaged);
  }

  /** Keeps what was made elsewhere for the person to save under that name. */
  async write(name: string, bytes: Uint8Array): Promise<ExportedFile> {
    const stored = `${newId()}${name.slice(name.lastIndexOf('.'))}`;
    await writeWhole(this.path(stored), bytes);
    return { name, url: assets.exported(stored), bytes: bytes.byteLength };
  }

  /** Goes to the disk as it is made: thousands of pictures need not fit the memory. */
  async #zip(items: readonly Item[], format: Format): Promise<ExportedFile> {
    const stored = `${newId()}.zip`;
    const file = this.path(stored);
    const handle = await open(file, 'w');
    let written: Promise<unknown> = Promise.resolve();
    const zip = new Zip((error, chunk) => {
      written = written.then(() => {
        if (error) throw error;
        return handle.write(chunk);
      });
      // Awaited below; until then it is no unhandled one.
      written.catch(() => undefined);
    });
    try {
      const taken = new Set<string>();
      for (const item of items) {
        // Pictures are compressed already.
        const entry = new ZipPassThrough(uniqueName(baseName(item), EXTENSIONS[format], taken));
        zip.add(entry);
        entry.push(await this.#picture(item, format), true);
        await written;
      }
      zip.end();
      await written;
    } catch (error) {
      await rm(file, { force: true });
      throw error;
    } finally {
      await handle.close();
    }
    return { name: `ResGen ${items.length} pictures.zip`, url: assets.exported(stored), bytes: (await stat(file)).size };
  }

  #removeOld(): void {
    for (const name of readdirSync(this.#folder)) {
      const file = this.path(name);
      if (EXPORT_FILE.test(name) && statSync(file).mtimeMs < Date.now() - KEEP_MS) rmSync(file, { force: true });
    }
  }
}

function noPicture(): StudioError {
  return new StudioError('bad-request', 'Not every chosen item is a picture. Leave out those that are none, or save their tokens.');
}

/** The decoder's own words say nothing to a person. */
function damaged(cause: unknown): never {
  throw new StudioError('bad-file', 'The picture file of an item is damaged. Restore it from a backup, or delete the item.', { cause });
}

/** What a person would call the file. */
export function baseName({ recipe }: Item): string {
  const { className, seed, source, verb } = recipe;
  return plainName(className !== undefined && seed !== undefined ? `${className}-${seed}` : (source ?? verb).replace(/\.[^.]+$/, ''));
}

/** A name without the characters that file systems refuse. */
export function plainName(name: string): string {
  return name
    .replace(/[\p{Cc}<>:"/\\|?*]/gu, '_')
    .replace(/^\.+|[. ]+$/g, '_')
    .slice(0, 100);
}

function uniqueName(base: string, extension: string, taken: Set<string>): string {
  let name = `${base}.${extension}`;
  // Case does not tell files apart everywhere.
  for (let n = 2; taken.has(name.toLowerCase()); n++) name = `${base}-${n}.${extension}`;
  taken.add(name.toLowerCase());
  return name;
}
