import type { Bridge } from '../../contract/index.js';
import { Comparison } from './compare/compare.svelte.js';
import { DepthView } from './depth/depth.svelte.js';
import { decoder, type Tokens } from './source.js';
import type { readPixels } from './pixels.js';
import { saidOf, type Said } from './said/said.js';
import { Beside } from './replay/beside.svelte.js';

/** Everything that belongs to the one item that is open, and goes with it. */
export class Session {
  readonly depth: DepthView;
  readonly comparison: Comparison;
  readonly beside: Beside;
  /** Mean over the positions of what is left after each depth, `[D]`. */
  readonly energy: Float32Array;
  /** Null for pictures and for clips, whose words nobody knows. */
  readonly said: Said | null;

  constructor(
    readonly tokens: Tokens,
    bridge: Bridge,
    read: typeof readPixels,
  ) {
    const { L, D, item, residual, cannot } = tokens;
    const decoderOf = (id: string) => decoder(bridge, id, read);
    this.depth = new DepthView(D, cannot.decode === null ? decoderOf(item.id) : null);
    this.comparison = new Comparison(tokens, bridge, decoderOf);
    this.beside = new Beside(bridge, decoderOf);
    this.said = saidOf(tokens);
    this.energy = new Float32Array(D);
    for (let n = 0; n < L * D; n++) this.energy[n % D] = (this.energy[n % D] ?? 0) + (residual[n] ?? 0) / L;
  }

  close(): void {
    this.depth.close();
    this.beside.close();
  }
}
