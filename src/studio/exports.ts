import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Zip, ZipPassThrough } from 'fflate';
import {
  type ExportedFile,
  type Item,
  type Params,
  type Recipe,
  type Sound,
  SoundFormat,
  StudioError,
  assets,
  fromWav,
  voicesOf,
} from '../contract/index.js';
import { compressed } from './compressed-sound.js';
import { writeWhole } from './files.js';
import { newId } from './ids.js';
import { type Library, itemFiles } from './library.js';
import { toSheet } from './pictures.js';
import { embedWithSharp, stripPng } from './recipe-file.js';
import { loadSharp } from './sharp.js';
import { markedWav, withMarks } from './sound-marks.js';
import type { Sounds } from './sounds.js';
import { type LaidOutTake, TakeFiles } from './speech/take-files.js';

type Format = Exclude<Params<'items.export'>['format'], 'sheet'>;
type PictureFormat = Exclude<Format, SoundFormat>;
const EXTENSIONS: Record<Format, string> = { png: 'png', jpeg: 'jpg', webp: 'webp', wav: 'wav', flac: 'flac', mp3: 'mp3' };

/** Long enough for a slow save dialog. */
const KEEP_MS = 3600 * 1000;

export const EXPORT_FILE = /^[0-9a-z]{21}\.(?:png|jpg|webp|gif|wav|flac|mp3|zip|safetensors|npy|csv)$/;

/**
 * Files for the person to save. This is the one place where a picture or a sound leaves the studio, so it is the one that decides whether its
 * recipe goes with it. Sounds say in any case that they are synthetic, and whose voice is used must have agreed.
 */
export class Exports {
  readonly #folder: string;
  readonly #plainFolder: string;
  readonly #takesFolder: string;
  readonly #takes: TakeFiles;

  constructor(
    dataFolder: string,
    private readonly library: Library,
    private readonly sounds: Sounds,
    private readonly embedRecipe: () => boolean,
    /** Throws for a voice that may not be heard: `Voices.assertHeard`. */
    private readonly assertHeard: (voice: string) => void,
  ) {
    this.#folder = join(dataFolder, 'exports');
    this.#plainFolder = join(this.#folder, 'plain');
    this.#takesFolder = join(this.#folder, 'takes');
    this.#takes = new TakeFiles(this.#takesFolder);
    rmSync(this.#folder, { recursive: true, force: true });
    mkdirSync(this.#plainFolder, { recursive: true });
    mkdirSync(this.#takesFolder);
  }

  path(name: string): string {
    return join(this.#folder, name);
  }

  /**
   * One file for one item, a zip of them for several, or one contact sheet.
   * @param withRecipe false leaves recipes out also where settings would not
   */
  async create(items: readonly Item[], format: Params<'items.export'>['format'], withRecipe = true): Promise<ExportedFile> {
    this.#removeOld();
    if (format === 'sheet') return this.write('ResGen sheet.png', await this.#sheet(items));
    const [first] = items;
    if (items.length > 1 || !first) return this.#zip(items, format, withRecipe);
    if (isSound(first) && !isSoundFormat(format)) throw noPicture();
    return this.write(`${baseName(first)}.${EXTENSIONS[format]}`, await this.#file(first, format, withRecipe));
  }

  /** The picture of an item as it may be shown and saved from a page; the stored one always has its recipe. */
  async served(id: string): Promise<string> {
    if (this.embedRecipe()) return this.library.whole(id, itemFiles.picture);
    const plain = join(this.#plainFolder, `${id}.png`);
    const there = await stat(plain).catch(() => null);
    if (!there) await writeWhole(plain, stripPng(await this.library.read(id, itemFiles.picture)));
    return plain;
  }

  /** The sound of an item as it may be heard and saved from a page. @throws StudioError as `checkVoices` and `Sounds.file` */
  async servedSound(item: Item): Promise<string> {
    this.checkVoices(item.recipe);
    const stored = await this.sounds.file(item);
    if (this.embedRecipe()) return stored;
    const plain = join(this.#plainFolder, `${item.id}.wav`);
    const there = await stat(plain).catch(() => null);
    if (!there) await writeWhole(plain, withMarks(await readFile(stored), null));
    return plain;
  }

  /** A take as far as it is made, as it may be heard and saved from a page. @throws StudioError as `checkVoices`, each time */
  async servedTake(job: string, { take, recipe }: { take: LaidOutTake; recipe: Recipe }): Promise<string> {
    this.checkVoices(recipe);
    return this.embedRecipe() ? this.#takes.file(`${job}.wav`, take, recipe) : this.#takes.file(`${job}-plain.wav`, take, null);
  }

  /** A sound for the person to save, without the format's own ending in `base`. @throws StudioError as `Voices.assertHeard` */
  async sound(base: string, sound: Sound, recipe: Recipe, format: SoundFormat, withRecipe = true): Promise<ExportedFile> {
    this.#removeOld();
    return this.write(`${base}.${EXTENSIONS[format]}`, await this.#soundFile(sound, recipe, format, withRecipe));
  }

  /** Every sound that leaves as bytes is made here or in `wav`. */
  async #soundFile(sound: Sound, recipe: Recipe, format: SoundFormat, withRecipe: boolean): Promise<Uint8Array<ArrayBuffer>> {
    const embeds = withRecipe && this.embedRecipe();
    if (format === 'wav') return this.wav(sound, recipe, embeds);
    this.checkVoices(recipe);
    return compressed(sound, format, embeds ? recipe : null);
  }

  wav(sound: Sound, recipe: Recipe, embeds = this.embedRecipe()): Uint8Array<ArrayBuffer> {
    this.checkVoices(recipe);
    return markedWav(sound, embeds ? recipe : null);
  }

  /** Tokens as a sound that is heard beside its recipe, which it therefore does not carry. @param recipe null where nobody speaks in it */
  view(sound: Sound, recipe: Recipe | null): Uint8Array<ArrayBuffer> {
    if (recipe) this.checkVoices(recipe);
    return markedWav(sound, null);
  }

  /**
   * Every voice in a sound must have agreed, here, and not be in the trash. Also for what can be made into its sound again by anybody.
   * @throws StudioError as `Voices.assertHeard`
   */
  checkVoices(recipe: Pick<Recipe, 'voice' | 'otherVoices'>): void {
    for (const voice of voicesOf(recipe)) this.assertHeard(voice);
  }

  async #file(item: Item, format: Format, withRecipe: boolean): Promise<Uint8Array> {
    if (isSound(item)) {
      // Before its file is looked for or made, whose absence would be the lesser reason.
      this.checkVoices(item.recipe);
      return this.#soundFile(fromWav(await readFile(await this.sounds.file(item))), item.recipe, forSounds(format), withRecipe);
    }
    if (!isSoundFormat(format)) return this.#picture(item, format, withRecipe);
    throw new StudioError(
      'bad-request',
      'Not every chosen item is a sound. Choose a format of pictures: sounds among them are saved as WAV.',
    );
  }

  async #picture(item: Item, format: PictureFormat, withRecipe: boolean): Promise<Buffer> {
    if (item.width === null) throw noPicture();
    const stored = await this.library.read(item.id, itemFiles.picture);
    const embeds = withRecipe && this.embedRecipe();
    if (format === 'png') return embeds ? stored : stripPng(stored);
    const sharp = await loadSharp();
    const picture = sharp(stored);
    const size = { width: item.width ?? 0, height: item.height ?? 0 };
    const marked = embeds ? embedWithSharp(picture, item.recipe, size) : picture;
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
  async #zip(items: readonly Item[], format: Format, withRecipe: boolean): Promise<ExportedFile> {
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
        const bytes = await this.#file(item, format, withRecipe);
        // Pictures are compressed already, and sounds hardly get smaller.
        const entry = new ZipPassThrough(uniqueName(baseName(item), EXTENSIONS[isSound(item) ? forSounds(format) : format], taken));
        zip.add(entry);
        entry.push(bytes, true);
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
    const things = items.every(isSound) ? 'sounds' : items.some(isSound) ? 'items' : 'pictures';
    return { name: `ResGen ${items.length} ${things}.zip`, url: assets.exported(stored), bytes: (await stat(file)).size };
  }

  /** Forgets every sound made so far, as when a voice is taken back: what was asked for again is checked again. */
  forgetSounds(): void {
    for (const folder of [this.#folder, this.#plainFolder, this.#takesFolder])
      for (const name of readdirSync(folder)) if (/\.(?:wav|flac|mp3|zip)$/.test(name)) rmSync(join(folder, name), { force: true });
  }

  #removeOld(): void {
    for (const name of readdirSync(this.#folder)) {
      const file = this.path(name);
      if (EXPORT_FILE.test(name) && statSync(file).mtimeMs < Date.now() - KEEP_MS) rmSync(file, { force: true });
    }
  }
}

function isSoundFormat(format: string): format is SoundFormat {
  return SoundFormat.safeParse(format).success;
}

/** Sounds among pictures are saved without loss. */
function forSounds(format: Format): SoundFormat {
  return isSoundFormat(format) ? format : 'wav';
}

function isSound({ kind }: Item): boolean {
  return kind === 'speech';
}

function noPicture(): StudioError {
  return new StudioError(
    'bad-request',
    'Not every chosen item is a picture. Leave out those that are none, save sounds as WAV, FLAC or MP3, or save the tokens.',
  );
}

/** The decoder's own words say nothing to a person. */
function damaged(cause: unknown): never {
  throw new StudioError('bad-file', 'The picture file of an item is damaged. Restore it from a backup, or delete the item.', { cause });
}

/** Characters of a text that name its sound. */
const SPOKEN_NAME = 40;

/** What a person would call the file. */
export function baseName({ recipe }: Pick<Item, 'recipe'>): string {
  const { className, seed, source, verb, speech } = recipe;
  // Marks of sentences are no part of a name, and file systems refuse some.
  if (speech) {
    const words = speech.text.replace(/[<>:"/\\|?*]/g, '').replace(/\s+/g, ' ');
    return plainName(words.slice(0, SPOKEN_NAME).replace(/[.!,; ]+$/, '')) || 'Speech';
  }
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
