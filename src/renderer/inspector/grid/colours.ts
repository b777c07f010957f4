/**
 * Colours of the grid. Both scales are built in OKLCH, where equal steps look equal, and turn around with the theme: what is large stands
 * out against the ground, light on dark and dark on light.
 */

const LEVELS = 256;

/** Bytes of `LEVELS` colours, red, green, blue, alpha. */
export type Scale = Uint8ClampedArray;

/** From little to much: hue from violet over teal to yellow, lightness away from the ground. */
export function sequentialScale(dark: boolean): Scale {
  const scale = new Uint8ClampedArray(4 * LEVELS);
  for (let n = 0; n < LEVELS; n++) {
    const t = n / (LEVELS - 1);
    const lightness = dark ? 0.27 + 0.65 * t : 0.95 - 0.7 * t;
    const hue = dark ? 285 - 185 * t : 105 + 180 * t;
    scale.set([...oklchToSrgb(lightness, 0.045 + 0.11 * Math.sin(Math.PI * (0.12 + 0.8 * t)), hue), 255], 4 * n);
  }
  return scale;
}

const GOLDEN_ANGLE = 137.508;

/** One colour a code. Neighbouring codes have nothing in common, so neither have their colours. */
export function codeColour(code: number, dark: boolean): readonly [number, number, number] {
  const lightness = (dark ? 0.5 : 0.56) + 0.1 * (((code * 7) % 5) - 2) * 0.5 + (dark ? 0.12 : 0.08);
  return oklchToSrgb(lightness, 0.085 + 0.02 * ((code * 3) % 3), (code * GOLDEN_ANGLE) % 360);
}

/** `V` colours of `codeColour`, as bytes. */
export function codeScale(V: number, dark: boolean): Scale {
  const scale = new Uint8ClampedArray(4 * V);
  for (let code = 0; code < V; code++) scale.set([...codeColour(code, dark), 255], 4 * code);
  return scale;
}

/** Colour of a scale at `t` in 0..1, as CSS. */
export function cssAt(scale: Scale, t: number): string {
  const at = 4 * Math.round(Math.min(1, Math.max(0, t)) * (scale.length / 4 - 1));
  return `rgb(${scale[at]}, ${scale[at + 1]}, ${scale[at + 2]})`;
}

/** A CSS gradient of a scale, for legends. */
export function gradientOf(scale: Scale): string {
  const stops = Array.from({ length: 9 }, (_, n) => cssAt(scale, n / 8));
  return `linear-gradient(to right in oklab, ${stops.join(', ')})`;
}

/** @param hue in degrees. @returns sRGB bytes; what lies outside of sRGB loses chroma until it fits */
export function oklchToSrgb(lightness: number, chroma: number, hue: number): [number, number, number] {
  const angle = (hue * Math.PI) / 180;
  for (let c = chroma; ; c -= 0.01) {
    const linear = oklabToLinear(lightness, Math.max(0, c) * Math.cos(angle), Math.max(0, c) * Math.sin(angle));
    if (c <= 0 || linear.every((v) => v >= -0.001 && v <= 1.001)) return linear.map(gamma) as [number, number, number];
  }
}

/** Björn Ottosson's matrices, https://bottosson.github.io/posts/oklab/ */
function oklabToLinear(L: number, a: number, b: number): [number, number, number] {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

function gamma(linear: number): number {
  const v = Math.min(1, Math.max(0, linear));
  return Math.round(255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055));
}
