import { type Item, type Settings, type Sound, StudioError } from '../contract/index.js';
import type { Tokens } from '../engine/inspect/edits.js';
import type { ModelPackage } from '../engine/package.js';
import { readTokenFile } from '../engine/tokens.js';
import type { Engine } from './engine.js';
import { isThere, writeWhole } from './files.js';
import { checkFits } from './inspector/token-store.js';
import { cannotDecode } from './inspector/views.js';
import { type Library, itemFiles } from './library.js';
import type { Models } from './models.js';
import type { SettingsStore } from './settings-store.js';
import { markedWav } from './sound-marks.js';

interface Parts {
  library: Library;
  models: Models;
  engine: Engine;
  settings: SettingsStore;
}

/** The sound of each item as a file: what was encoded or taken in as tokens gets its own when somebody first wants to hear it. */
export class Sounds {
  readonly #making = new Map<string, Promise<void>>();

  constructor(private readonly parts: Parts) {}

  /**
   * Path of the WAV with its marks and its recipe, decoded from the tokens where it is not there yet, and then kept beside them.
   * @throws StudioError `bad-request` for tokens that nothing here decodes, `not-found` for a model that is gone, `bad-file` for damaged files
   */
  async file(item: Item): Promise<string> {
    const file = this.parts.library.path(item.id, itemFiles.sound);
    if (await isThere(file)) return this.parts.library.whole(item.id, itemFiles.sound);
    let making = this.#making.get(item.id);
    if (!making) {
      making = this.#make(item, file).finally(() => this.#making.delete(item.id));
      this.#making.set(item.id, making);
    }
    await making;
    return file;
  }

  async #make({ id, recipe }: Item, file: string): Promise<void> {
    const { library, models, engine, settings } = this.parts;
    const tokens = readTokenFile(await library.read(id, itemFiles.tokens));
    const model = await models.find(recipe.model.id);
    checkFits(tokens, model.manifest);
    const problem = cannotDecode(model.manifest);
    if (problem !== null) throw new StudioError('bad-request', problem);
    const sound = await decodeSound(engine, model, settings.get().provider, tokens);
    await writeWhole(file, markedWav(sound, recipe));
  }
}

/**
 * What the first `depth` depths of all positions sound like; all of them by default.
 * @throws StudioError `bad-model` where the model gives no sound
 */
export async function decodeSound(
  engine: Engine,
  model: ModelPackage,
  provider: Settings['provider'],
  { L, D, codes }: Tokens,
  depth = D,
): Promise<Sound> {
  const { id, sound } = model.manifest;
  const [samples] = await engine.decodeViews(model, provider, { B: 1, tokens: codes, depth: new Int32Array(L).fill(depth) });
  if (!sound || !(samples instanceof Float32Array))
    throw new StudioError('bad-model', `The model “${id}” gave no sound. Install it again.`);
  return { samples, sampleRate: sound.sampleRate };
}
