import { z } from 'zod';
import { StudioError, explain } from '../contract/errors.js';
import { MODEL_LIMITS, ModelId } from '../contract/model.js';
import { Recipe } from '../contract/records.js';
import { type NamedTensor, type Safetensors, readSafetensors, writeSafetensors } from './safetensors.js';

/** An item as it is stored: its tokens and what made them. Everything else about it can be computed again from these. */
export interface TokenFile {
  L: number;
  D: number;
  /** `[L * D]`, row-major. */
  codes: Int32Array;
  /** `[L * D]`: step (1..T) at which each token was revealed, 0 for tokens that were given. */
  revealedAt?: Uint8Array;
  /**
   * `[L * D]`: score of each token when it was revealed. Tokens that were given have the one of the generation that they are from, and NaN
   * where there was none.
   */
  confidence?: Float32Array;
  model: string;
  version: string;
  /** Rows and columns of positions, for pictures. */
  grid?: readonly [number, number];
  recipe: Recipe;
}

export function writeTokenFile(file: TokenFile): Uint8Array {
  const shape = [file.L, file.D];
  const tensors: Record<string, NamedTensor> = { codes: { shape, data: file.codes } };
  if (file.revealedAt) tensors['revealed_at'] = { shape, data: file.revealedAt };
  if (file.confidence) tensors['confidence'] = { shape, data: file.confidence };
  const metadata: Record<string, string> = { model: file.model, version: file.version, recipe: JSON.stringify(file.recipe) };
  if (file.grid) metadata['grid'] = JSON.stringify(file.grid);
  return writeSafetensors(tensors, metadata);
}

const TokenMetadata = z.object({ model: ModelId, version: z.string().max(40), recipe: z.string(), grid: z.string().optional() });
const Grid = z.tuple([z.int().min(1), z.int().min(1)]);

/** @throws StudioError `bad-file`, a sentence. */
export function readTokenFile(bytes: Uint8Array): TokenFile {
  try {
    return parseTokenFile(readSafetensors(bytes));
  } catch (error) {
    if (!(error instanceof StudioError)) throw error;
    throw new StudioError('bad-file', `This token file ${error.message}. Choose a file that the studio saved.`, { cause: error });
  }
}

function parseTokenFile({ tensors, metadata }: Safetensors): TokenFile {
  const meta = TokenMetadata.safeParse(metadata);
  if (!meta.success) throw bad(`has metadata that is not valid: ${explain(meta.error)}`);
  const recipe = Recipe.safeParse(parseJson(meta.data.recipe, 'recipe'));
  if (!recipe.success) throw bad(`has a recipe that is not valid: ${explain(recipe.error)}`);

  const codes = tensors.get('codes');
  const [L, D] = codes?.shape ?? [];
  if (!codes || !(codes.data instanceof Int32Array) || codes.shape.length !== 2 || !L || !D)
    throw bad('has no tensor codes of int32 [L, D]');
  if (L > MODEL_LIMITS.positions || D > MODEL_LIMITS.depths) throw bad('holds more tokens than any model of the studio');
  if (codes.data.some((code) => code < 0)) throw bad('has a negative code');
  const file: TokenFile = { L, D, codes: codes.data, model: meta.data.model, version: meta.data.version, recipe: recipe.data };

  const revealedAt = tensors.get('revealed_at')?.data;
  if (revealedAt) {
    if (!(revealedAt instanceof Uint8Array) || revealedAt.length !== L * D) throw bad('has a tensor revealed_at that is not uint8 [L, D]');
    file.revealedAt = revealedAt;
  }
  const confidence = tensors.get('confidence')?.data;
  if (confidence) {
    if (!(confidence instanceof Float32Array) || confidence.length !== L * D)
      throw bad('has a tensor confidence that is not float32 [L, D]');
    file.confidence = confidence;
  }
  if (meta.data.grid !== undefined) {
    const grid = Grid.safeParse(parseJson(meta.data.grid, 'grid'));
    if (!grid.success || grid.data[0] * grid.data[1] !== L) throw bad(`has a grid that does not hold its ${L} positions`);
    file.grid = grid.data;
  }
  return file;
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new StudioError('bad-file', `has a ${what} that is not JSON`, { cause });
  }
}

function bad(clause: string): StudioError {
  return new StudioError('bad-file', clause);
}
