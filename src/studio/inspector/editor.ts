import { createHash } from 'node:crypto';
import {
  type Edit,
  type Item,
  type Manifest,
  type Params,
  type Parent,
  type Recipe,
  type Sampling,
  type StudioEvent,
  LIMITS,
  StudioError,
  limitClause,
  voicesOf,
} from '../../contract/index.js';
import { blend, setCodes, swapDepths, zeroDepth } from '../../engine/inspect/edits.js';
import { maskBelow, maskLeastConfident, maskPositions, maskTokens } from '../../engine/inspect/masks.js';
import type { TokenFile } from '../../engine/tokens.js';
import type { Engine } from '../engine.js';
import type { Exports } from '../exports.js';
import { findClass } from '../job-plan.js';
import type { Library } from '../library.js';
import type { Prompts } from '../speech/prompts.js';
import { numbersOf } from '../speech/speech-work.js';
import { bytesOf } from './bytes.js';
import type { OpenItem, TokenStore } from './token-store.js';
import { type Views, cannotDecode } from './views.js';

interface Parts {
  store: TokenStore;
  views: Views;
  engine: Engine;
  library: Library;
  prompts: Prompts;
  exports: Exports;
  /** Throws for a voice that may not be used. */
  assertUsable: (voice: string) => void;
  emit: (event: StudioEvent) => void;
  version: string;
}

type Made = Pick<TokenFile, 'codes' | 'revealedAt' | 'confidence'> & { samples?: Float32Array };
type Resampling = Extract<Edit, { kind: `resample${string}` }>;
type Change = Exclude<Edit, Resampling>;
/** What a resampling was asked for; a part of the recipe. */
interface Conditions {
  /** Of what is not spoken. */
  className: string | undefined;
  seed: number;
  sampling: Sampling;
}

interface Decoded {
  pixels?: Uint8Array;
  samples?: Float32Array;
}

/** One edit while it is made. */
interface Run {
  signal: AbortSignal;
  /** Steps done, of all. */
  onStep: (step: number, steps: number) => void;
}

/** Makes new items of old ones. The old ones stay, so that taking an edit back is no more than removing what it made. */
export class Editor {
  readonly #running = new Map<string, AbortController>();

  constructor(private readonly parts: Parts) {}

  /**
   * @throws StudioError `refused` with the reason where tokens can't be had so, `bad-request` where there are no such, `cancelled` where
   * `cancel` ended it
   */
  async edit(params: Params<'tokens.edit'>): Promise<Item> {
    const { run } = params;
    if (run === undefined) return this.#edit(params, { signal: new AbortController().signal, onStep: () => undefined });
    if (this.#running.has(run)) throw new StudioError('bad-request', 'An edit of that name is running. Give this one another.');
    const stop = new AbortController();
    this.#running.set(run, stop);
    try {
      const onStep = (step: number, steps: number): void => this.parts.emit({ name: 'edit', payload: { run, step, steps } });
      return await this.#edit(params, { signal: stop.signal, onStep });
    } finally {
      this.#running.delete(run);
    }
  }

  /** Nothing where there is no such run: it has just ended. */
  cancel(run: string): void {
    this.#running.get(run)?.abort();
  }

  async #edit(params: Params<'tokens.edit'>, run: Run): Promise<Item> {
    const started = performance.now();
    const { edit } = params;
    const source = await this.parts.store.open(params.id);
    const other = 'other' in edit ? await this.#other(source, edit.other) : null;
    const voices = voicesIn(source, other);
    if (other !== null || isResampling(edit)) this.#assertUsable(voices);
    const keep = async (making: Promise<Made>, conditions: Conditions | null): Promise<Item> => {
      const made = await unlessStopped(making, run.signal);
      const seen = await unlessStopped(this.#decoded(source, other, made), run.signal);
      // Past stopping: half of an item would be left.
      return this.#keep(source, other, { ...made, ...seen }, { edit, conditions, voices, durationMs: performance.now() - started });
    };
    if (!isResampling(edit)) return keep(this.#change(source, other, edit), null);
    const conditions = conditionsOf(params, source);
    return keep(this.#resample(source, edit, conditions, run), conditions);
  }

  async #other(source: OpenItem, id: string): Promise<OpenItem> {
    const other = await this.parts.store.open(id);
    if (other.model.manifest.id === source.model.manifest.id) return other;
    throw new StudioError(
      'bad-request',
      `These items are of two models, “${source.model.manifest.id}” and “${other.model.manifest.id}”, whose codes mean different things. Choose two of one model.`,
    );
  }

  async #change({ file, model }: OpenItem, other: OpenItem | null, edit: Change): Promise<Made> {
    const codebooks = () => this.parts.store.codebooks(model);
    const second = other?.file ?? file;
    switch (edit.kind) {
      case 'setCodes':
        return { codes: setCodes(file, model.manifest.tokens.V, edit.codes) };
      case 'swap':
        return { codes: swapDepths(file, second, edit.at) };
      case 'blend':
        return { codes: await blend(file, second, edit.alpha, await codebooks()) };
      case 'zeroDepth':
        return { codes: zeroDepth(file, edit.depth, await codebooks()) };
    }
  }

  async #resample(
    { item, file, model }: OpenItem,
    edit: Resampling,
    { className, seed, sampling }: Conditions,
    { signal, onStep }: Run,
  ): Promise<Made> {
    const k = maskOf(file, edit).slice();
    const fixed = { tokens: file.codes.slice(), k };
    const { speech, voice } = item.recipe;
    if (speech && voice !== undefined) {
      const { tokens, samples, revealedAt, confidence } = await this.parts.engine.use(model, this.parts.views.provider, async (session) => {
        const prompt = await this.parts.prompts.of(session, model, voice);
        const request = { phones: numbersOf(speech, model), ms: speech.ms, speed: speech.speed, prompt, seed, sampling, fixed };
        return session.speak(request, ({ step, steps }) => onStep(step, steps), signal);
      });
      return withOldConfidence(file, { codes: tokens, samples, revealedAt, confidence });
    }
    const classIndex = findClass(className ?? '', model.manifest);
    const items = [{ classIndex, seed, fixed }];
    const { results } = await this.parts.engine.use(model, this.parts.views.provider, (session) =>
      session.generate({ items, sampling, previewEveryMs: null }, ({ step, steps }) => onStep(step, steps), signal),
    );
    const [result] = results;
    if (!result) throw new StudioError('internal', 'The engine returned no tokens. Try again.');
    const { tokens: codes, revealedAt, confidence } = result;
    return withOldConfidence(file, { codes, revealedAt, confidence });
  }

  /** The picture that the codes are, or the sound of what was spoken; neither for other sounds, unheard voices and where nothing here decodes. */
  async #decoded({ item, file: { L, D }, model }: OpenItem, other: OpenItem | null, { codes, samples }: Made): Promise<Decoded> {
    if (samples) return { samples };
    if (model.manifest.sound && !this.#mayBeHeard([item, ...(other ? [other.item] : [])])) return {};
    if (cannotDecode(model.manifest) !== null || !(model.manifest.image || item.recipe.speech)) return {};
    const [frame] = await this.parts.views.frames(model, [{ codes, depth: new Int32Array(L).fill(D) }]);
    return frame instanceof Float32Array ? { samples: frame } : frame instanceof Uint8Array ? { pixels: frame } : {};
  }

  /** Tokens may be changed in any case, as the command line does with those of others; only their sound needs the consent. */
  #mayBeHeard(items: readonly Item[]): boolean {
    try {
      for (const { recipe } of items) this.parts.exports.checkVoices(recipe);
      return true;
    } catch (error) {
      if (error instanceof StudioError) return false;
      throw error;
    }
  }

  async #keep(
    source: OpenItem,
    other: OpenItem | null,
    made: Made & Decoded,
    {
      edit,
      conditions,
      voices: [voice, ...otherVoices],
      durationMs,
    }: { edit: Edit; conditions: Conditions | null; voices: readonly string[]; durationMs: number },
  ): Promise<Item> {
    const { model, item: parent, file } = source;
    const { manifest } = model;
    const { codes, pixels, samples } = made;
    const { speech } = parent.recipe;
    const className = conditions?.className ?? parent.recipe.className;
    const recipe: Recipe = {
      format: 1,
      studio: this.parts.version,
      model: { id: manifest.id, version: manifest.version },
      kind: manifest.kind,
      verb: 'edit',
      ...(className !== undefined && { className }),
      // Still the voices of people, each of which takes it along when it goes.
      ...(voice !== undefined && { voice }),
      ...(otherVoices.length > 0 && { otherVoices }),
      ...(speech && { speech }),
      ...(conditions && { seed: conditions.seed, sampling: conditions.sampling }),
      edit,
      parents: [source, ...(other ? [other] : [])].map(parentOf),
    };
    // One of them may have been deleted while this was made.
    if (other !== null || isResampling(edit)) this.#assertUsable(voicesOf(recipe));
    const item = await this.parts.library.add({
      recipe,
      picture: pixels && manifest.image ? { data: pixels, size: manifest.image.size } : null,
      ...(samples && manifest.sound && { sound: { samples, sampleRate: manifest.sound.sampleRate } }),
      shape: { L: file.L, D: file.D, grid: manifest.tokens.grid },
      tokens: codes,
      ...(made.revealedAt && { revealedAt: made.revealedAt }),
      ...(made.confidence && { confidence: made.confidence }),
      durationMs,
      job: null,
    });
    this.parts.emit({ name: 'itemAdded', payload: item });
    return item;
  }

  #assertUsable(voices: readonly string[]): void {
    for (const voice of voices) this.parts.assertUsable(voice);
  }
}

/**
 * Ids of every voice that is in what is made of these, the first parent's first.
 * @throws StudioError `refused` where there are too many
 */
function voicesIn(source: OpenItem, other: OpenItem | null): string[] {
  const voices = [...new Set([source, ...(other ? [other] : [])].flatMap(({ item }) => voicesOf(item.recipe)))];
  const { inOneItem } = LIMITS.voices.limits;
  if (voices.length <= inOneItem.value + 1) return voices;
  throw new StudioError('refused', `There would be ${voices.length} voices in this sound: ${limitClause(inOneItem)}. Mix others.`);
}

/** What stayed still has the confidence it was once revealed with. */
function withOldConfidence({ confidence: before }: TokenFile, made: Made): Made {
  const { revealedAt, confidence } = made;
  if (before && revealedAt && confidence) revealedAt.forEach((step, n) => step === 0 && (confidence[n] = before[n] ?? Number.NaN));
  return made;
}

/** Why an item can't be resampled, or null where it can. */
export function cannotResample({ id, files }: Manifest): string | null {
  if (files.step) return null;
  return `The model “${id}” has no generator, so nothing can be resampled. Codes can be set by hand, swapped and blended.`;
}

/** The value, unless the signal comes first: then `cancelled`, at once, and not when the engine's turn for it comes. */
async function unlessStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = (): void => undefined;
  const stopped = new Promise<never>((_resolve, reject) => {
    stop = () => reject(new StudioError('cancelled', 'Stopped. Nothing was changed.'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
  });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function isResampling(edit: Edit): edit is Resampling {
  return edit.kind.startsWith('resample');
}

function maskOf({ L, D, confidence }: TokenFile, edit: Resampling): Int32Array {
  switch (edit.kind) {
    case 'resampleBelow':
      return maskBelow(L, D, edit.depth);
    case 'resamplePositions':
      return maskPositions(L, D, edit.positions);
    case 'resampleTokens':
      return maskTokens(L, D, edit.tokens);
    case 'resampleLeastConfident':
      return maskLeastConfident(L, D, confidence, edit.percent);
  }
}

function conditionsOf(params: Params<'tokens.edit'>, { item, model: { manifest } }: OpenItem): Conditions {
  const problem = cannotResample(manifest);
  if (problem !== null) throw new StudioError('refused', problem);
  const className = params.className ?? item.recipe.className;
  if (className === undefined && !(item.recipe.speech && item.recipe.voice !== undefined))
    throw new StudioError(
      'bad-request',
      'The generator has to know what this is, and the item does not say. Choose a class to resample it as.',
    );
  const preset = manifest.presets.find(({ id }) => id === manifest.defaultPreset);
  const sampling = params.sampling ?? item.recipe.sampling ?? preset?.sampling;
  if (!sampling) throw new StudioError('bad-model', `The model “${manifest.id}” has no presets. Say how to sample.`);
  return { className, seed: params.seed, sampling };
}

/** Everybody whose voice is in it. */

function parentOf({ item, file }: OpenItem): Parent {
  return { id: item.id, sha256: createHash('sha256').update(bytesOf(file.codes)).digest('hex') };
}
