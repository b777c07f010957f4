import { type CallName, type Item, type Params, type Result, StudioError, inspectorCalls } from '../../contract/index.js';
import { compareTokens, residualEnergy, tokenNorms } from '../../engine/inspect/measures.js';
import { maskedCounts } from '../../engine/inspect/replay.js';
import type { Handlers, Parts } from '../handlers.js';
import { bytesOf } from './bytes.js';
import { CodebookPage } from './codebook-page.js';
import { Editor, cannotResample } from './editor.js';
import { Exchange } from './exchange.js';
import { TokenStore } from './token-store.js';
import { Views, cannotDecode, notGenerated } from './views.js';

type InspectorCall = Extract<CallName, keyof typeof inspectorCalls>;

export function createInspectorHandlers(parts: Parts): Pick<Handlers, InspectorCall> {
  const { items, library, prompts, voices, models, engine, settings, exports, emit, info } = parts;
  const { version } = info;
  const store = new TokenStore(items, library, models);
  const views = new Views(store, engine, settings);
  const editor = new Editor({ store, views, engine, library, prompts, assertUsable: (voice) => voices.assertUsable(voice), emit, version });
  const codebooks = new CodebookPage(store, items, models, views);
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
      cannot: { decode: cannotDecode(manifest), resample: cannotResample(manifest) },
    };
  };

  return {
    'tokens.get': sheet,
    'tokens.decode': (params) => views.decode(params),
    'tokens.replay': async ({ id }) => replay(items.get(id), (await store.tokens(id)).revealedAt),
    'tokens.compare': async ({ a, b }) => {
      const [first, second] = [await store.open(a), await store.open(b)];
      if (first.model.manifest.id !== second.model.manifest.id)
        throw new StudioError('bad-request', 'These items are of two models, whose codes mean different things. Choose two of one model.');
      const { differs, distance, perDepth } = compareTokens(first.file, second.file, await store.codebooks(first.model));
      return { L: first.file.L, D: first.file.D, differs: bytesOf(differs), distance: bytesOf(distance), perDepth };
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
