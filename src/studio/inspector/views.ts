import { type Manifest, type Params, type Recipe, type Result, type Settings, StudioError, type TokenView } from '../../contract/index.js';
import { visibleAfter } from '../../engine/inspect/replay.js';
import type { ModelPackage } from '../../engine/package.js';
import type { TokenFile } from '../../engine/tokens.js';
import type { Engine } from '../engine.js';
import type { SettingsStore } from '../settings-store.js';
import type { Exports } from '../exports.js';
import type { PictureEncoder } from '../pictures.js';
import { Recent } from '../recent.js';
import type { TokenStore } from './token-store.js';

const FRAMES_KEPT = 64 << 20;
/** Views that the engine decodes together: more take memory and gain nothing. */
const TOGETHER = 8;
const MID_GREY = 128;

/** RGB pixels `[S, S, 3]`, or mono samples. */
export type Frame = Uint8Array | Float32Array;
/** Tokens `[L * D]` and how many depths of each position are summed, `[L]`. */
export interface Decodable {
  codes: Int32Array;
  depth: Int32Array;
}

/** Decodes tokens at any depth and step of theirs. */
export class Views {
  readonly #kept = new Recent<Uint8Array<ArrayBuffer>>(FRAMES_KEPT);

  constructor(
    private readonly store: TokenStore,
    private readonly engine: Engine,
    private readonly settings: SettingsStore,
    private readonly exports: Exports,
    private readonly encoder: PictureEncoder,
  ) {}

  async decode({ id, views }: Params<'tokens.decode'>): Promise<Result<'tokens.decode'>> {
    const { item, file, model } = await this.store.open(id);
    checkDecodes(model.manifest);
    // Each time: a voice may have been taken back since the frames at hand were made.
    if (model.manifest.sound) this.exports.checkVoices(item.recipe);
    const keys = views.map((view) => `${id} ${keyOf(view)}`);
    const frames = keys.map((key) => this.#kept.get(key));
    const missing = views.flatMap((view, n) => (frames[n] ? [] : [{ view, n }]));
    const made = await this.#make(
      model,
      missing.map(({ view }) => ({ view, file })),
      item.recipe,
    );
    for (const [m, { n }] of missing.entries()) {
      const frame = made[m] ?? new Uint8Array();
      frames[n] = frame;
      this.#kept.set(keys[n] ?? '', frame, frame.byteLength);
    }
    return { contentType: contentType(model.manifest), frames: frames.map((frame) => frame ?? new Uint8Array()) };
  }

  /** Pixels or samples of each, in order. @throws StudioError `bad-request` where the model can't decode */
  async frames(model: ModelPackage, wanted: readonly Decodable[]): Promise<Frame[]> {
    checkDecodes(model.manifest);
    const frames: Frame[] = [];
    for (let first = 0; first < wanted.length; first += TOGETHER) {
      const part = wanted.slice(first, first + TOGETHER);
      const tokens = concatenate(part.map(({ codes }) => codes));
      const depth = concatenate(part.map((one) => one.depth));
      // Each part by itself, so that other work is not kept waiting for all of them.
      frames.push(...(await this.engine.decodeViews(model, this.provider, { B: part.length, tokens, depth })));
    }
    return frames;
  }

  /** Frames as files: PNG, or WAV as `Exports.view` makes it. @param recipe of what they are views of, null for codes alone */
  encode(manifest: Manifest, frames: readonly Frame[], recipe: Recipe | null): Promise<Uint8Array<ArrayBuffer>[]> {
    return Promise.all(
      frames.map(async (frame) =>
        frame instanceof Float32Array
          ? this.exports.view({ samples: frame, sampleRate: manifest.sound?.sampleRate ?? 0 }, recipe)
          : this.encoder.frame({ data: frame, size: manifest.image?.size ?? 0 }),
      ),
    );
  }

  get provider(): Settings['provider'] {
    return this.settings.get().provider;
  }

  async #make(
    model: ModelPackage,
    wanted: readonly { view: TokenView; file: TokenFile }[],
    recipe: Recipe,
  ): Promise<Uint8Array<ArrayBuffer>[]> {
    const sums = wanted.map(({ view, file }) => sumsOf(view, file));
    const frames = await this.frames(
      model,
      sums.flatMap((depths, n) => depths.map((depth) => ({ codes: wanted[n]?.file.codes ?? new Int32Array(), depth }))),
    );
    const views = sums.map((depths) => {
      const [first, second] = frames.splice(0, depths.length);
      return first && second ? difference(first, second) : (first ?? new Uint8Array());
    });
    return this.encode(model.manifest, views, recipe);
  }
}

/** @throws StudioError `bad-request` */
function checkDecodes(manifest: Manifest): void {
  const problem = cannotDecode(manifest);
  if (problem !== null) throw new StudioError('bad-request', problem);
}

export function cannotDecode({ id, files }: Manifest): string | null {
  if (files.decode) return null;
  return `The model “${id}” is only codebooks: its tokens can be read, compared and changed, but not be seen or heard. Add a decoder to its package.`;
}

export const contentType = ({ sound }: Manifest): Result<'tokens.decode'>['contentType'] => (sound ? 'audio/wav' : 'image/png');

/** Depths `[L]` of the sums that a view needs: one, or two of which it is the difference. */
function sumsOf(view: TokenView, { L, D, revealedAt }: TokenFile): Int32Array[] {
  const all = (depth: number): Int32Array => {
    if (depth > D) throw new StudioError('bad-request', `This item has ${D} depths. Choose one from 0 to ${D}.`);
    return new Int32Array(L).fill(depth);
  };
  if ('depth' in view) return [all(view.depth)];
  if ('from' in view) return [all(view.from), all(view.to)];
  if ('step' in view) {
    if (!revealedAt) throw notGenerated();
    return [visibleAfter({ L, D }, revealedAt, view.step)];
  }
  if (view.depths.length !== L || view.depths.some((depth) => depth > D))
    throw new StudioError('bad-request', `Give ${L} depths from 0 to ${D}, one for each position of this item.`);
  return [Int32Array.from(view.depths)];
}

export function notGenerated(): StudioError {
  return new StudioError('bad-request', 'No generator made this item step by step, so there is nothing to replay. Choose a generated one.');
}

function keyOf(view: TokenView): string {
  return 'depths' in view ? `depths ${Buffer.from(view.depths).toString('base64')}` : JSON.stringify(view);
}

/** What `after` adds to `before`: around mid-grey and at half its size for pixels, which have no negative values. */
function difference(before: Frame, after: Frame): Frame {
  if (after instanceof Float32Array) return after.map((value, n) => value - (before[n] ?? 0));
  return after.map((value, n) => MID_GREY + Math.trunc((value - (before[n] ?? 0)) / 2));
}

function concatenate(parts: readonly Int32Array[]): Int32Array {
  const whole = new Int32Array(parts.reduce((length, part) => length + part.length, 0));
  let place = 0;
  for (const part of parts) {
    whole.set(part, place);
    place += part.length;
  }
  return whole;
}
