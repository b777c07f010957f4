import { FILE_LIMITS, type Item, type Manifest, type Params, type Recipe, StudioError } from '../contract/index.js';
import type { ModelPackage } from '../engine/package.js';
import { readSound } from './audio/sound.js';
import type { EngineSession } from './engine.js';
import type { Parts } from './handlers.js';
import type { NewItem } from './library.js';
import { toSquare } from './pictures.js';

type Encoded = Pick<NewItem, 'picture' | 'shape' | 'tokens'>;

/**
 * A picture or a sound encoded by a model, as an item. What the model's kind is says which of the two the file has to be.
 * @throws StudioError `bad-file` for a file of another kind, `bad-request` for a model without an encoder
 */
export async function importFile(parts: Parts, { name, bytes, model: id }: Params<'items.import'>): Promise<Item> {
  const model = await parts.models.find(id);
  const { manifest } = model;
  if (!manifest.files.encode) {
    const what = manifest.kind === 'image' ? 'pictures' : 'sounds';
    throw new StudioError('bad-request', `The model “${id}” can't encode ${what}. Choose another model.`);
  }
  const encode = manifest.sound ? await soundEncoder(name, bytes, manifest) : await pictureEncoder(name, bytes, manifest);
  const started = performance.now();
  const encoded = await parts.engine.use(model, parts.settings.get().provider, encode);
  const durationMs = performance.now() - started;
  const item = await parts.library.add({ ...encoded, recipe: recipeOf(parts, model, name), durationMs, job: null });
  parts.emit({ name: 'itemAdded', payload: item });
  return item;
}

type Encoder = (session: EngineSession) => Promise<Encoded>;

async function soundEncoder(name: string, bytes: Uint8Array, { sound, tokens: { L, D } }: Manifest): Promise<Encoder> {
  if (!sound) throw new StudioError('internal', 'The model has no sounds.');
  const samples = await readSound(name, bytes, { ...sound, L });
  if ((samples.length / sound.sampleRate) * 1000 < FILE_LIMITS.leastSoundMs) {
    throw new StudioError(
      'bad-file',
      `“${name}” is shorter than ${FILE_LIMITS.leastSoundMs} ms, too short to hear. Choose a longer sound.`,
    );
  }
  return async (session) => ({
    picture: null,
    shape: { L: samples.length / sound.samplesPerPosition, D },
    tokens: await session.encodeSound(samples),
  });
}

async function pictureEncoder(name: string, bytes: Uint8Array, { image, tokens: shape }: Manifest): Promise<Encoder> {
  const size = image?.size ?? 0;
  const square = await toSquare(name, bytes, size);
  return async (session) => {
    const tokens = await session.encode(square.data);
    // The picture of an item is the view of its tokens, so it is what they decode to and not the one that came in.
    return { picture: { data: await session.decode(tokens, shape.D), size }, shape, tokens };
  };
}

function recipeOf({ info }: Parts, { manifest: { id, version, kind } }: ModelPackage, source: string): Recipe {
  return { format: 1, studio: info.version, model: { id, version }, kind, verb: 'encode', source };
}
