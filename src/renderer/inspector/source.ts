import type { Bridge, Item, Reply, TokenSheet, TokenView } from '../../contract/index.js';
import type { TokenValues } from './grid/colouring.js';
import { readFrame, type Frame } from './frames.js';
import { readPixels } from './pixels.js';

/** A `TokenSheet` with its bytes read as numbers. All arrays are `[L * D]`, row-major. */
export interface Tokens extends TokenValues {
  readonly item: Item;
  readonly H: number;
  readonly grid: readonly [number, number] | null;
  readonly secondsPerPosition: number | null;
  readonly residual: Float32Array;
  /** Length of each token's embedding. */
  readonly norm: Float32Array;
  /** Share of each code among the tokens of its depth; 0 where the items that were counted do not have it. */
  readonly frequency: Float32Array;
  readonly rarity: Float32Array;
  readonly cannot: TokenSheet['cannot'];
}

function toTokens({ codes, revealedAt, confidence, norm, residual, frequency, ...sheet }: TokenSheet): Tokens {
  const shares = floats(frequency);
  return {
    ...sheet,
    codes: ints(codes),
    revealedAt,
    confidence: confidence && floats(confidence),
    norm: floats(norm),
    residual: floats(residual),
    frequency: shares,
    rarity: shares.map((share) => (share > 0 ? -Math.log2(share) : Number.NaN)),
  };
}

export async function openTokens(bridge: Bridge, id: string): Promise<Reply<Tokens>> {
  const reply = await bridge.call('tokens.get', { id });
  return reply.ok ? { ok: true, value: toTokens(reply.value) } : reply;
}

/** Decodes views of an item, in order. */
export type DecodeViews = (views: readonly TokenView[]) => Promise<Reply<Frame[]>>;

export function decoder(bridge: Bridge, id: string, read: typeof readPixels = readPixels): DecodeViews {
  return async (views) => {
    const reply = await bridge.call('tokens.decode', { id, views: [...views] });
    if (!reply.ok) return reply;
    const { contentType, frames } = reply.value;
    return { ok: true, value: await Promise.all(frames.map((frame) => readFrame(contentType, frame, read))) };
  };
}

/** Little-endian, as every machine that runs this is. Copied, because a view may begin where four bytes do not. */
export function floats(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer);
}

export function ints(bytes: Uint8Array): Int32Array {
  return new Int32Array(bytes.slice().buffer);
}
