import { ItemId, JobId, ModelId, VoiceId } from '../contract/index.js';
import { EXPORT_FILE, type Exports } from './exports.js';
import { isThere } from './files.js';
import type { ItemsStore } from './items-store.js';
import { type Library, itemFiles } from './library.js';
import type { Models } from './models.js';
import type { Takes } from './speech/takes.js';
import { type Voices, voiceFiles } from './voices/voices.js';
import { isWhole } from './whole-file.js';

/** A file that a host may hand to its renderer. */
export interface Asset {
  file: string;
  contentType: string;
}

const TYPES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  webp: 'image/webp',
  gif: 'image/gif',
  wav: 'audio/wav',
  flac: 'audio/flac',
  mp3: 'audio/mpeg',
  csv: 'text/csv',
  zip: 'application/zip',
  safetensors: 'application/octet-stream',
};

/** Addresses of `contract`'s `assets` to files. A name becomes part of a path only after a pattern without separators has passed it. */
export class Assets {
  constructor(
    private readonly library: Library,
    private readonly models: Models,
    private readonly exports: Exports,
    private readonly voices: Voices,
    private readonly items: ItemsStore,
    private readonly takes: Takes,
  ) {}

  /** `path` is that of a URL, without its query. Null where there is no such file, whatever the reason. */
  async find(path: string): Promise<Asset | null> {
    const file = await this.#file(path);
    return file !== null && (await isThere(file))
      ? { file, contentType: TYPES[file.slice(file.lastIndexOf('.') + 1)] ?? 'application/octet-stream' }
      : null;
  }

  async #file(path: string): Promise<string | null> {
    const [empty, root, group, name = '', file, ...more] = path.split('/');
    if (empty !== '' || root !== 'assets' || more.length > 0) return null;
    if (group === 'exports') return file === undefined && EXPORT_FILE.test(name) ? this.exports.path(name) : null;
    if (group === 'models') return file === 'thumbnails.webp' && ModelId.safeParse(name).success ? this.models.thumbnails(name) : null;
    if (group === 'voices') return file === voiceFiles.clip && VoiceId.safeParse(name).success ? this.voices.path(name, file) : null;
    if (group === 'takes') return file === 'take.wav' && JobId.safeParse(name).success ? this.#take(name).catch(() => null) : null;
    if (group !== 'items' || !ItemId.safeParse(name).success) return null;
    if (file === itemFiles.tokens) return this.library.path(name, file);
    if (file === itemFiles.sound) return this.#sound(name).catch(() => null);
    if (file === itemFiles.thumbnail) {
      const thumbnail = this.library.path(name, file);
      // One that is cut off is no loss: the picture stands in for it.
      if (await isWhole(thumbnail).catch(() => false)) return thumbnail;
    } else if (file !== itemFiles.picture) return null;
    return this.exports.served(name).catch(() => null);
  }

  async #sound(id: string): Promise<string> {
    return this.exports.servedSound(this.items.get(id));
  }

  async #take(job: string): Promise<string> {
    return this.exports.servedTake(job, await this.takes.laidOut(job));
  }
}
