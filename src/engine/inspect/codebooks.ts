import { setImmediate } from 'node:timers/promises';
import { StudioError } from '../../contract/errors.js';
import type { TokenShape } from '../../contract/model.js';
import { type ModelPackage, readPackageFile } from '../package.js';
import { readSafetensors } from '../safetensors.js';

/** Work between two turns of the event loop while something long is computed: a few milliseconds of multiplications. */
export const PRODUCTS_PER_TURN = 4_000_000;

/** The codes' embeddings e(v; d), float32 `[D, V, H]`. */
export class Codebooks {
  constructor(
    readonly D: number,
    readonly V: number,
    readonly H: number,
    private readonly e: Float32Array,
  ) {}

  /** e(code; depth) `[H]`, a view: not to be written to. */
  embedding(depth: number, code: number): Float32Array {
    const start = ((depth - 1) * this.V + code) * this.H;
    return this.e.subarray(start, start + this.H);
  }

  /** Length of every embedding of a depth, `[V]`. */
  norms(depth: number): Float32Array {
    return Float32Array.from({ length: this.V }, (_, code) => Math.sqrt(squares(this.embedding(depth, code))));
  }

  /** The code of a depth whose embedding is shortest: the nearest that tokens have to nothing. */
  quietest(depth: number): number {
    const norms = this.norms(depth);
    return norms.indexOf(Math.min(...norms));
  }

  /** The codes nearest to one of the same depth, itself left out. */
  nearest(depth: number, code: number, count: number): { code: number; distance: number }[] {
    const from = this.embedding(depth, code);
    return Array.from({ length: this.V }, (_, other) => ({
      code: other,
      distance: Math.sqrt(squaredDistance(from, this.embedding(depth, other))),
    }))
      .filter((near) => near.code !== code)
      .sort((a, b) => a.distance - b.distance || a.code - b.code)
      .slice(0, count);
  }

  /** Sum over the depths after the first `from` up to `to` of one position's embeddings, `[H]`. `codes` are its D tokens. */
  sum(codes: Int32Array, from = 0, to = this.D): Float32Array {
    const z = new Float32Array(this.H);
    for (let depth = from + 1; depth <= to; depth++) add(z, this.embedding(depth, codes[depth - 1] ?? 0), 1);
    return z;
  }

  /**
   * Residual quantisation: depth by depth the code nearest to what is left. `z` is `[L, H]`; the result `[L, D]`.
   * Gives the event loop a turn now and then, as long sounds take seconds.
   */
  async quantise(z: Float32Array): Promise<Int32Array> {
    const { D, V, H } = this;
    const L = z.length / H;
    const codes = new Int32Array(L * D);
    const rest = z.slice();
    let products = 0;
    for (let i = 0; i < L; i++) {
      const r = rest.subarray(i * H, (i + 1) * H);
      for (let depth = 1; depth <= D; depth++) {
        const code = this.#closest(depth, r);
        codes[i * D + depth - 1] = code;
        add(r, this.embedding(depth, code), -1);
      }
      products += D * V * H;
      if (products >= PRODUCTS_PER_TURN) {
        products = 0;
        await setImmediate();
      }
    }
    return codes;
  }

  #closest(depth: number, r: Float32Array): number {
    let best = 0;
    let least = Infinity;
    for (let code = 0; code < this.V; code++) {
      const distance = squaredDistance(r, this.embedding(depth, code));
      if (distance < least) {
        least = distance;
        best = code;
      }
    }
    return best;
  }
}

/** @throws StudioError `bad-model` where the file is not as the manifest says */
export async function readCodebooks(pack: ModelPackage): Promise<Codebooks> {
  const { id, tokens } = pack.manifest;
  const bytes = await readPackageFile(pack, 'codebooks');
  try {
    return parseCodebooks(bytes, tokens);
  } catch (error) {
    if (!(error instanceof StudioError)) throw error;
    const problem = `its file of codebooks ${error.message}`;
    throw new StudioError('bad-model', `The model package "${id}" can't be inspected: ${problem}. Install the package again.`, {
      cause: error,
    });
  }
}

function parseCodebooks(bytes: Uint8Array, { D, V, H }: TokenShape): Codebooks {
  const tensor = readSafetensors(bytes).tensors.get('codebooks');
  const wanted = [D, V, H].join(', ');
  if (!tensor || !(tensor.data instanceof Float32Array) || tensor.shape.join(', ') !== wanted)
    throw new StudioError('bad-file', `has no tensor codebooks of floats [${wanted}]`);
  return new Codebooks(D, V, H, tensor.data);
}

export function add(to: Float32Array, what: Float32Array, factor: number): void {
  for (let h = 0; h < to.length; h++) to[h] = (to[h] ?? 0) + factor * (what[h] ?? 0);
}

export function squares(z: Float32Array): number {
  let sum = 0;
  for (const value of z) sum += value * value;
  return sum;
}

export function squaredDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let h = 0; h < a.length; h++) {
    const difference = (a[h] ?? 0) - (b[h] ?? 0);
    sum += difference * difference;
  }
  return sum;
}
