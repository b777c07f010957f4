/**
 * Opacity of the veil over each position, 0..255: bare where every depth is revealed, closed where all D are masked. The power
 * thins the veil early, because the coarse depths come first and already carry most of the picture.
 */
export function veilOpacity(k: Uint8Array, D: number): Uint8ClampedArray {
  return Uint8ClampedArray.from(k, (masked) => 255 * 0.94 * Math.pow(Math.min(masked, D) / D, 1.8));
}

/** Moves `shown` a part of the way to `target`; true once they meet. */
export function approach(shown: Float32Array, target: Uint8ClampedArray, part: number): boolean {
  let met = true;
  for (let i = 0; i < shown.length; i++) {
    const from = shown[i] ?? 0;
    const to = target[i] ?? 0;
    if (Math.abs(to - from) < 1) shown[i] = to;
    else {
      shown[i] = from + (to - from) * part;
      met = false;
    }
  }
  return met;
}
