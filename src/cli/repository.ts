import { StudioError } from '../contract/index.js';
import { writeRepository } from '../studio/index.js';
import { type Host, ask, withStudio } from './host.js';
import { exitCodes, note, printResult } from './output.js';

/** Images that the studio samples together at most, and so the largest batch that it sends. */
const LARGEST_BATCH = 64;

export interface RepositoryOptions {
  model: string;
  maxBatch: number;
  instances?: number;
  overwrite: boolean;
  json: boolean;
}

/** `resgen export-repository`: a package as models that Triton Inference Server loads. */
export async function exportRepository(host: Host, folder: string, options: RepositoryOptions): Promise<number> {
  const { maxBatch, instances = null, overwrite } = options;
  if (maxBatch < 1 || maxBatch > LARGEST_BATCH || instances === 0) {
    throw new StudioError('bad-request', `--max-batch must be from 1 to ${LARGEST_BATCH}, and --instances at least 1.`);
  }
  return withStudio(host, false, async (studio) => {
    const models = await ask(studio, 'models.list', null);
    const model = models.find(({ id }) => id === options.model);
    if (!model) {
      const ids = models.map(({ id }) => id).join(', ') || 'none';
      throw new StudioError('not-found', `There is no model “${options.model}”. These are here: ${ids}.`);
    }
    if (model.problem !== null) throw new StudioError('bad-model', model.problem);
    const names = await writeRepository(model.folder, folder, { maxBatch, instances, overwrite });
    for (const name of names) printResult(options.json, { model: name, folder }, name);
    note(`Start Triton with --model-repository=${folder}, and the studio with RESGEN_REMOTE=http://SERVER:8000.`);
    return exitCodes.done;
  });
}
