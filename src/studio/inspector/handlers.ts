import { type CallName, type Item, type Manifest, type Params, type Result, StudioError, inspectorCalls } from '../../contract/index.js';
import { alignPhones, alignTokens, saySame } from '../../engine/inspect/align.js';
import type { Codebooks } from '../../engine/inspect/codebooks.js';
import { compareTokens, residualEnergy, tokenNorms } from '../../engine/inspect/measures.js';
import { maskedCounts } from '../../engine/inspect/replay.js';
import { toStudioError } from '../errors.js';
import type { Handlers, Parts } from '../handlers.js';
import { bytesOf } from './bytes.js';
import { CodebookPage } from './codebook-page.js';
import { Editor, cannotResample } from './editor.js';
import { Exchange } from './exchange.js';
import { type OpenItem, TokenStore } from './token-store.js';
import { Views, cannotDecode, notGenerated } from './views.js';

type InspectorCall = Extract<CallName, keyof typeof inspectorCalls>;

export function createInspectorHandlers(parts: Parts): Pick<Handlers, InspectorCall> {
  const { items, library, prompts, voices, models, engine, settings, exports, encoder, emit, info } = parts;
  const { version } = info;
  const store = new TokenStore(items, library, models);
  const views = new Views(store, engine, settings, exports, encoder);
  const assertUsable = (voice: string): void => voices.assertHeard(voice);
  const editor = new Editor({ store, views, engine, library, prompts, exports, assertUsable, emit, version });
  const codebooks = new CodebookPage(store, items, models, views, exports);
  const exchange = new Exchange({ store, views, models, library, exports, settings, emit, version });

  const sheet = async ({ id }: Params<'tokens.get'>): Promise<Result<'tokens.get'>> => {
    const { item, file, model } = await store.open(id);
    const { manifest } = model;
    const books = await store.codebooks(model);
    const counts = await codebooks.countNewest(model);
    const frequency = Float32Array.from(file.codes, (code, n) => counts.frequency((n % file.D) + 1, code));
    return {
      item,
      L: file.L,
      D: file.D,
      V: books.V,
      H: books.H,
      grid: manifest.tokens.grid ?? null,
      secondsPerPosition: manifest.sound ? manifest.sound.samplesPerPosition / manifest.sound.sampleRate : null,
      codes: bytesOf(file.codes),
      revealedAt: file.revealedAt ? bytesOf(file.revealedAt) : null,
      confidence: file.confidence ? bytesOf(file.confidence) : null,
      norm: bytesOf(tokenNorms(file, books)),
      residual: bytesOf(residualEnergy(file, books)),
      frequency: bytesOf(frequency),
      cannot: { decode: cannotDecode(manifest) ?? silenced(item, manifest), resample: cannotResample(manifest) },
    };
  };

  /** Why an item of a voice may not be heard, or null where it may. */
  const silenced = ({ recipe }: Item, { sound }: Manifest): string | null => {
    try {
      if (sound) exports.checkVoices(recipe);
      return null;
    } catch (error) {
      return toStudioError(error).message;
    }
  };

  return {
    'tokens.get': sheet,
    'tokens.decode': (params) => views.decode(params),
    'tokens.replay': async ({ id }) => replay(items.get(id), (await store.tokens(id)).revealedAt),
    'tokens.compare': async ({ a, b }) => {
      const [first, second] = [await store.open(a), await store.open(b)];
      if (first.model.manifest.id !== second.model.manifest.id)
        throw new StudioError('bad-request', 'These items are of two models, whose codes mean different things. Choose two of one model.');
      const books = await store.codebooks(first.model);
      const aligned = await align(first, second, books);
      const { differs, distance, perDepth } = compareTokens(first.file, second.file, books, aligned?.positions);
      return {
        L: first.file.L,
        D: first.file.D,
        differs: bytesOf(differs),
        distance: bytesOf(distance),
        perDepth,
        aligned: aligned && { by: aligned.by, positions: bytesOf(aligned.positions), L: second.file.L },
      };
    },
    'tokens.edit': (params) => editor.edit(params),
    'tokens.cancel': ({ run }) => {
      editor.cancel(run);
      return null;
    },
    'tokens.import': (params) => exchange.import(params),
    'tokens.export': (params) => exchange.export(params),
    'codebook.usage': (params) => codebooks.usage(params),
    'codebook.map': (params) => codebooks.map(params),
    'codebook.nearest': (params) => codebooks.nearest(params),
    'codebook.look': (params) => codebooks.look(params),
    'codebook.items': (params) => codebooks.itemsWith(params),
  };
}

function replay({ recipe: { sampling } }: Item, revealedAt: Uint8Array | undefined): Result<'tokens.replay'> {
  if (!revealedAt || !sampling) throw notGenerated();
  return { steps: sampling.steps, ...maskedCounts(revealedAt, sampling.schedule, sampling.steps) };
}

/** How two sounds that do not run side by side are to be held against each other; null where they do, and for pictures. */
async function align(a: OpenItem, b: OpenItem, books: Codebooks): Promise<{ by: 'phones' | 'tokens'; positions: Int32Array } | null> {
  const { sound } = a.model.manifest;
  if (!sound) return null;
  const [ours, theirs] = [a.item.recipe.speech, b.item.recipe.speech];
  const sideBySide = a.file.L === b.file.L;
  if (ours && theirs && saySame(ours, theirs)) {
    if (sideBySide && ours.ms.every((ms, n) => ms === theirs.ms[n])) return null;
    const positionMs = (1000 * sound.samplesPerPosition) / sound.sampleRate;
    return { by: 'phones', positions: alignPhones({ ...ours, L: a.file.L }, { ...theirs, L: b.file.L }, positionMs) };
  }
  return sideBySide ? null : { by: 'tokens', positions: await alignTokens(a.file, b.file, books) };
}
