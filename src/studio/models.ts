import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type ModelSummary, type Recipe, StudioError, presetName } from '../contract/index.js';
import { type ModelPackage, inspectPackage, openPackage, readPackageFile, verifyPackage } from '../engine/package.js';

/** The model packages in some folders, each of which holds one folder a package. */
export class Models {
  #known: ModelSummary[] = [];

  constructor(readonly folders: readonly string[]) {}

  /** Every package, usable or not; sizes are checked here, contents by `verify` and when the engine loads one. */
  async list(): Promise<ModelSummary[]> {
    const found: ModelSummary[] = [];
    for (const folder of this.folders) {
      for (const name of await packageFolders(folder)) found.push(await inspectPackage(join(folder, name)));
    }
    const taken = new Map<string, string>();
    this.#known = found.map((model) => {
      const other = model.manifest && taken.get(model.id);
      if (other === undefined || other === null) {
        if (model.manifest) taken.set(model.id, model.folder);
        return model;
      }
      return { ...model, manifest: null, problem: `Another package has the same id “${model.id}”: ${other}. Remove one of the two.` };
    });
    return this.#known;
  }

  /** The preset that a recipe was made with, as of the last listing: '' for none, null where the model is not here. */
  presetOf({ model: { id }, sampling }: Recipe): string | null {
    const manifest = this.#known.find((m) => m.id === id && m.manifest)?.manifest;
    return manifest ? presetName(manifest, sampling) : null;
  }

  /** @throws StudioError `not-found`, or `bad-model` with what is wrong with it */
  async find(id: string): Promise<ModelPackage> {
    const models = await this.list();
    const model = models.find((m) => m.id === id && m.manifest) ?? models.find((m) => m.id === id);
    if (!model) {
      const usable = models.filter((m) => m.manifest).map((m) => m.id);
      const advice =
        usable.length > 0
          ? `Choose one of these: ${usable.join(', ')}.`
          : `Put a package into ${this.folders.at(-1) ?? 'the models folder'}.`;
      throw new StudioError('not-found', `There is no model “${id}”. ${advice}`);
    }
    if (!model.manifest) throw new StudioError('bad-model', model.problem ?? `The model “${id}” can't be used.`);
    return openPackage(model.folder);
  }

  async card(id: string): Promise<string> {
    return new TextDecoder().decode(await readPackageFile(await this.find(id), 'card'));
  }

  /** A sentence for each file that is not as the manifest says. */
  async verify(id: string): Promise<string[]> {
    const broken = (await this.list()).find((m) => m.id === id && m.problem !== null);
    return broken?.problem ? [broken.problem] : verifyPackage(await this.find(id));
  }

  /** Path of the sheet of class tiles, as of the last listing. */
  thumbnails(id: string): string | null {
    const model = this.#known.find((m) => m.id === id && m.manifest);
    const file = model?.manifest?.files.thumbnails;
    return model && file ? join(model.folder, file.path) : null;
  }
}

async function packageFolders(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((e) => (e.isDirectory() || e.isSymbolicLink()) && !e.name.startsWith('.'))
      .map((e) => e.name)
      .sort();
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return [];
    throw error;
  }
}
