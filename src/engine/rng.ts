/**
 * The engine's noise: Philox4x32-10 (Salmon et al. 2011), a counter-based generator. The numbers of step t of the picture with seed s are a
 * pure function of (s, stream, t): they don't depend on the batch around the picture, nor on which steps ran before.
 * `training/noise.py` gives the same numbers in Python.
 */

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;
const ROUNDS = 10;

/** What the numbers are for. Separate streams, so that changing how many one use draws never shifts another. */
const STREAM = { uniform: 0, gaussian: 1, gumbel: 2, view: 3 } as const;

const TWO_POW_32 = 2 ** 32;
/** Greatest float32 below 1. A uniform within 2^-25 of 1 would round to 1 itself, which is outside every inverse distribution. */
const BELOW_ONE = 1 - 2 ** -24;

/** Upper 32 bits of the product of two unsigned 32-bit integers; a double can't hold all 64, so it is put together from 16-bit halves. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const cross = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + (middle >>> 16) + (cross >>> 16)) >>> 0;
}

/** One block of Philox4x32-10: writes four unsigned 32-bit integers for `counter` (c0..c3) and `key` (k0, k1) to `out`. */
export function philox4x32(c0: number, c1: number, c2: number, c3: number, k0: number, k1: number, out: Uint32Array): void {
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(M0, c0);
    const high1 = multiplyHigh(M1, c2);
    const low0 = Math.imul(M0, c0);
    const low1 = Math.imul(M1, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + W0) | 0;
    k1 = (k1 + W1) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** Calls `take(i, u)` for i = 0 .. count-1 with uniforms in (0, 1), in the order of the blocks and of the outputs within each. */
function forEachUniform(count: number, seed: number, stream: number, step: number, take: (i: number, u: number) => void): void {
  const block = new Uint32Array(4);
  for (let i = 0; i < count; i++) {
    const lane = i & 3;
    if (lane === 0) philox4x32(i >>> 2, stream, step, 0, seed, 0, block);
    take(i, ((block[lane] ?? 0) + 0.5) / TWO_POW_32);
  }
}

/** Uniforms in (0, 1) that choose the mixture components, `[L]`. */
export function fillUniform(out_L: Float32Array, seed: number, step: number): void {
  forEachUniform(out_L.length, seed, STREAM.uniform, step, (i, u) => {
    out_L[i] = Math.min(u, BELOW_ONE);
  });
}

/** The view that a seed draws for models that take one, in (0, 1). */
export function viewOf(seed: number): number {
  let view = 0;
  forEachUniform(1, seed, STREAM.view, 0, (_, u) => (view = u));
  return view;
}

/** Standard normals, `[L * H]`: Box-Muller on consecutive pairs. */
export function fillGaussian(out_LH: Float32Array, seed: number, step: number): void {
  let radius = 0;
  const even = out_LH.length + (out_LH.length & 1);
  forEachUniform(even, seed, STREAM.gaussian, step, (i, u) => {
    if ((i & 1) === 0) {
      radius = Math.sqrt(-2 * Math.log(u));
      return;
    }
    const angle = 2 * Math.PI * u;
    out_LH[i - 1] = radius * Math.cos(angle);
    // Out of range, and so ignored by the typed array, when the count is odd.
    out_LH[i] = radius * Math.sin(angle);
  });
}

/** Standard Gumbel noise for the choice of what to reveal, `[L * D]`. */
export function fillGumbel(out_LD: Float32Array, seed: number, step: number): void {
  forEachUniform(out_LD.length, seed, STREAM.gumbel, step, (i, u) => {
    out_LD[i] = -Math.log(-Math.log(u));
  });
}
