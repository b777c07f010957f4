import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StudioError } from '../../contract/errors.js';
import { graphBorders } from '../borders.js';
import { checkPackageGraph, openPackage, readPackageFile } from '../package.js';
import { remoteModelName } from './remote-graph.js';
import { type TritonOptions, tritonConfig } from './triton.js';

export interface RepositoryOptions extends TritonOptions {
  /** Write over models that are there; a server that watches the folder then loads them again. */
  overwrite: boolean;
}

/** Number of a model's version in a repository, which is the name of its folder. */
const VERSION = '1';

/**
 * Writes a package's graphs as a model repository for Triton: `<folder>/<package>-<graph>/config.pbtxt` and `1/model.onnx`.
 * @returns the names of the models
 * @throws StudioError `bad-model`, or `bad-request` where a model is there already
 */
export async function writeRepository(packageFolder: string, folder: string, options: RepositoryOptions): Promise<string[]> {
  const pack = await openPackage(packageFolder);
  const { id, files } = pack.manifest;
  const borders = graphBorders(pack.manifest);
  const graphs = (['step', 'decode', 'encode', 'text'] as const).filter((graph) => files[graph]);
  for (const graph of graphs) {
    const model = remoteModelName(id, graph);
    const place = join(folder, model);
    const bytes = await readPackageFile(pack, graph);
    checkPackageGraph(pack, graph, bytes);
    await makeFolder(place, options.overwrite);
    await mkdir(join(place, VERSION), { recursive: true });
    await writeFile(join(place, VERSION, 'model.onnx'), bytes);
    // Last: a server that watches the folder takes a model for complete once it is configured.
    await writeFile(join(place, 'config.pbtxt'), tritonConfig(model, borders[graph], options));
  }
  return graphs.map((graph) => remoteModelName(id, graph));
}

async function makeFolder(folder: string, overwrite: boolean): Promise<void> {
  const made = await mkdir(folder, { recursive: true });
  if (made === undefined && !overwrite) {
    throw new StudioError('bad-request', `${folder} is there already. Choose another folder, or --overwrite it.`);
  }
}
