import {
  type ExportedFile,
  INSPECTOR_LIMITS,
  type Item,
  type Params,
  type Recipe,
  type StudioEvent,
  StudioError,
} from '../../contract/index.js';
import { isNpy, readNpy, writeCsv, writeNpy } from '../../engine/inspect/npy.js';
import { visibleAfter } from '../../engine/inspect/replay.js';
import { readSafetensors } from '../../engine/safetensors.js';
import { type TokenFile, readTokenFile, writeTokenFile } from '../../engine/tokens.js';
import type { Exports } from '../exports.js';
import { baseName } from '../exports.js';
import type { Library } from '../library.js';
import type { Models } from '../models.js';
import { toPng, toSheet } from '../pictures.js';
import type { SettingsStore } from '../settings-store.js';
import { type OpenItem, type TokenStore, checkFits } from './token-store.js';
import { type Decodable, type Frame, type Views, cannotDecode, notGenerated } from './views.js';
import { loadSharp } from '../sharp.js';

interface Parts {
  store: TokenStore;
  views: Views;
  models: Models;
  library: Library;
  exports: Exports;
  settings: SettingsStore;
  emit: (event: StudioEvent) => void;
  version: string;
}

const FRAME_MS = 120;
const LAST_FRAME_MS = 1500;
/** Smaller pictures are shown larger, pixel by pixel: they are to be looked at, not to be small. */
const LEAST_SIDE = 256;

/** Token files in and out, and what else of an item leaves the studio from the inspector. */
export class Exchange {
  constructor(private readonly parts: Parts) {}

  /** @throws StudioError `bad-file` for what is no token file or does not fit the model, `bad-request` where the model has to be named */
  async import({ name, bytes, model: given }: Params<'tokens.import'>): Promise<Item> {
    const read = readTokens(name, bytes);
    const id = read.recipe?.model.id ?? given;
    if (id === null) throw new StudioError('bad-request', `“${name}” does not say which model its tokens are of. Choose the model.`);
    const model = await this.parts.models.find(id);
    const { manifest } = model;
    checkFits(read, manifest);
    const recipe: Recipe = read.recipe ?? {
      format: 1,
      studio: this.parts.version,
      model: { id: manifest.id, version: manifest.version },
      kind: manifest.kind,
      verb: 'encode',
      source: name,
    };
    const depth = new Int32Array(read.L).fill(read.D);
    const decodes = cannotDecode(manifest) === null && manifest.image;
    const [pixels] = decodes ? await this.parts.views.frames(model, [{ codes: read.codes, depth }]) : [];
    const item = await this.parts.library.add({
      recipe,
      picture: pixels instanceof Uint8Array && manifest.image ? { data: pixels, size: manifest.image.size } : null,
      shape: { L: read.L, D: read.D, grid: manifest.tokens.grid },
      tokens: read.codes,
      ...(read.revealedAt && { revealedAt: read.revealedAt }),
      ...(read.confidence && { confidence: read.confidence }),
      durationMs: null,
      job: null,
    });
    this.parts.emit({ name: 'itemAdded', payload: item });
    return item;
  }

  async export({ id, format, recipe: withRecipe }: Params<'tokens.export'>): Promise<ExportedFile> {
    const open = await this.parts.store.open(id);
    const name = baseName(open.item);
    switch (format) {
      case 'safetensors':
        return this.parts.exports.write(`${name}.safetensors`, this.#safetensors(open.file, withRecipe));
      case 'npy':
        this.#checkUnnamed(open);
        return this.parts.exports.write(`${name}.npy`, writeNpy(open.file));
      case 'csv':
        this.#checkUnnamed(open);
        return this.parts.exports.write(`${name}.csv`, new TextEncoder().encode(writeCsv(open.file)));
      case 'strip':
        return this.#strip(open, name, withRecipe);
      case 'steps':
        return this.#steps(open, name, withRecipe);
      case 'webp':
      case 'gif':
        return this.parts.exports.write(`${name}.${format}`, await this.#animation(open, format));
    }
  }

  /** These say nothing of a voice, so whoever reads them in again can't be asked for its consent: it is asked for here. */
  #checkUnnamed({ item, model }: OpenItem): void {
    if (model.manifest.sound) this.parts.exports.checkVoices(item.recipe);
  }

  /** As stored, unless recipes are to be left out of saved files: then with the model, and the voices, whose consent counts wherever they go. */
  #safetensors(file: TokenFile, withRecipe: boolean): Uint8Array {
    if (withRecipe && this.parts.settings.get().embedRecipe) return writeTokenFile(file);
    const { format, studio, model, kind, verb, voice, otherVoices } = file.recipe;
    const voices = { ...(voice !== undefined && { voice }), ...(otherVoices && { otherVoices }) };
    return writeTokenFile({ ...file, recipe: { format, studio, model, kind, verb, ...voices } });
  }

  /** Depths 1..D: one picture after another, or one sound after another. */
  async #strip({ file, model }: OpenItem, name: string, withRecipe: boolean): Promise<ExportedFile> {
    const { L, D, codes } = file;
    const { image, sound } = model.manifest;
    const depths = Array.from({ length: D }, (_, j) => ({ codes, depth: new Int32Array(L).fill(j + 1) }));
    const frames = await this.parts.views.frames(model, depths);
    if (sound) return this.#oneAfterAnother(frames, sound.sampleRate, { name: `${name} depths`, recipe: file.recipe, withRecipe });
    const size = image?.size ?? 0;
    const pictures: Buffer[] = [];
    for (const frame of frames) if (frame instanceof Uint8Array) pictures.push(await toPng({ data: frame, size }));
    return this.parts.exports.write(`${name} depths.png`, await toSheet(pictures, size));
  }

  /** What is heard after some of the steps, one sound after another, the last being the whole. */
  async #steps({ file, model }: OpenItem, name: string, withRecipe: boolean): Promise<ExportedFile> {
    const { L, D, codes, revealedAt, recipe } = file;
    const { sound } = model.manifest;
    if (!revealedAt || !recipe.sampling) throw notGenerated();
    if (!sound) throw new StudioError('bad-request', 'Only sounds can be saved as steps to hear. Save pictures as WebP or GIF.');
    const { steps } = recipe.sampling;
    const heard = Math.min(steps, INSPECTOR_LIMITS.heardSteps);
    const wanted = Array.from({ length: heard }, (_, n) => {
      const step = Math.ceil(((n + 1) * steps) / heard);
      return { codes, depth: visibleAfter({ L, D }, revealedAt, step) };
    });
    const frames = await this.parts.views.frames(model, wanted);
    return this.#oneAfterAnother(frames, sound.sampleRate, { name: `${name} steps`, recipe, withRecipe });
  }

  #oneAfterAnother(
    frames: readonly Frame[],
    sampleRate: number,
    { name, recipe, withRecipe }: { name: string; recipe: Recipe; withRecipe: boolean },
  ): Promise<ExportedFile> {
    const samples = joined(frames.flatMap((frame) => (frame instanceof Float32Array ? [frame] : [])));
    return this.parts.exports.sound(name, { samples, sampleRate }, recipe, 'wav', withRecipe);
  }

  async #animation({ file, model }: OpenItem, format: 'webp' | 'gif'): Promise<Uint8Array> {
    const { L, D, codes, revealedAt, recipe } = file;
    const { image } = model.manifest;
    if (!revealedAt || !recipe.sampling) throw notGenerated();
    if (!image) throw new StudioError('bad-request', 'Only pictures can be saved as an animation. Save the steps of a sound as WAV.');
    const steps = recipe.sampling.steps;
    const wanted: Decodable[] = Array.from({ length: steps + 1 }, (_, t) => ({ codes, depth: visibleAfter({ L, D }, revealedAt, t) }));
    const frames = await this.parts.views.frames(model, wanted);
    const side = image.size * Math.max(1, Math.ceil(LEAST_SIDE / image.size));
    const pages: Buffer[] = [];
    for (const frame of frames) if (frame instanceof Uint8Array) pages.push(await enlarged(frame, image.size, side));
    const delay = pages.map((_, t) => (t === steps ? LAST_FRAME_MS : FRAME_MS));
    const sharp = await loadSharp();
    const animation = sharp(pages, { join: { animated: true } });
    return (
      format === 'webp' ? animation.webp({ lossless: true, effort: 2, delay, loop: 0 }) : animation.gif({ delay, loop: 0 })
    ).toBuffer();
  }
}

/** Each by itself, as sharp resizes pages that are stacked in one buffer as if they were one picture. */
async function enlarged(data: Uint8Array, size: number, side: number): Promise<Buffer> {
  const sharp = await loadSharp();
  const raw = { width: size, height: size, channels: 3 as const };
  return sharp(data, { raw }).resize(side, side, { kernel: 'nearest' }).png({ compressionLevel: 1 }).toBuffer();
}

type ReadTokens = Pick<TokenFile, 'L' | 'D' | 'codes' | 'revealedAt' | 'confidence'> & { recipe?: Recipe };

function readTokens(name: string, bytes: Uint8Array): ReadTokens {
  try {
    if (isNpy(bytes)) return readNpy(bytes);
    const { tensors, metadata } = readSafetensors(bytes);
    if ('recipe' in metadata) return readTokenFile(bytes);
    const codes = tensors.get('codes');
    const [L, D] = codes?.shape ?? [];
    if (!(codes?.data instanceof Int32Array) || codes.shape.length !== 2 || !L || !D) {
      throw new StudioError('bad-file', 'has no tensor codes of int32 [L, D]');
    }
    if (codes.data.some((code) => code < 0)) throw new StudioError('bad-file', 'has a negative code');
    return { L, D, codes: codes.data };
  } catch (error) {
    if (!(error instanceof StudioError)) throw error;
    if (error.message.startsWith('This token file')) throw error;
    throw new StudioError('bad-file', `“${name}” ${error.message}. Choose a .safetensors or .npy file of tokens.`, { cause: error });
  }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let place = 0;
  for (const part of parts) {
    whole.set(part, place);
    place += part.length;
  }
  return whole;
}
