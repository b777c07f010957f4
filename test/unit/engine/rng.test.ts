import { describe, expect, test } from 'vitest';
import { fillGaussian, fillGumbel, fillUniform, philox4x32, viewOf } from '../../../src/engine/rng.js';

const hex = (words: Uint32Array) => [...words].map((word) => word.toString(16).padStart(8, '0'));

describe('philox4x32', () => {
  // Known answers that come with the authors' Random123 library (kat_vectors, philox4x32 with 10 rounds).
  test.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8'],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      ['408f276d', '41c83b0e', 'a20bc7c6', '6d5451fd'],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      ['d16cfe09', '94fdcceb', '5001e420', '24126ea1'],
    ],
  ] as const)('counter %j, key %j', ([c0, c1, c2, c3], [k0, k1], expected) => {
    const out = new Uint32Array(4);
    philox4x32(c0, c1, c2, c3, k0, k1, out);
    expect(hex(out)).toEqual(expected);
  });
});

function moments(values: Float32Array): { mean: number; variance: number } {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return { mean, variance: values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length };
}

describe('noise', () => {
  test('the view of a seed is the one that training/noise.py draws', () => {
    expect([0, 1, 0xffff_ffff].map(viewOf)).toEqual([0.8170411550672725, 0.913894344237633, 0.6139084781752899]);
  });

  test('uniforms lie strictly between 0 and 1, with mean 1/2 and variance 1/12', () => {
    const u = new Float32Array(1 << 16);
    fillUniform(u, 42, 1);
    expect(u.every((x) => x > 0 && x < 1)).toBe(true);
    expect(moments(u).mean).toBeCloseTo(1 / 2, 2);
    expect(moments(u).variance).toBeCloseTo(1 / 12, 2);
  });

  test('Gaussians have mean 0, variance 1, no skew and the kurtosis of a normal', () => {
    const g = new Float32Array(1 << 17);
    fillGaussian(g, 42, 3);
    const { mean, variance } = moments(g);
    expect(mean).toBeCloseTo(0, 1);
    expect(variance).toBeCloseTo(1, 1);
    const moment = (power: number) => g.reduce((sum, x) => sum + x ** power, 0) / g.length;
    expect(Math.abs(moment(3))).toBeLessThan(0.05);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.1);
    // The two halves of Box-Muller must not be related.
    const product = g.reduce((sum, x, i) => (i % 2 === 0 ? sum + x * (g[i + 1] ?? 0) : sum), 0) / (g.length / 2);
    expect(Math.abs(product)).toBeLessThan(0.02);
  });

  test('Gumbels have the mean and variance of the standard Gumbel', () => {
    const g = new Float32Array(1 << 17);
    fillGumbel(g, 7, 2);
    expect(moments(g).mean).toBeCloseTo(0.5772, 1);
    expect(Math.abs(moments(g).variance - Math.PI ** 2 / 6)).toBeLessThan(0.05);
  });

  test('the numbers are a function of seed, stream and step, and of nothing else', () => {
    const draw = (seed: number, step: number, length = 9) => {
      const out = new Float32Array(length);
      fillGaussian(out, seed, step);
      return out;
    };
    expect(draw(5, 1)).toEqual(draw(5, 1));
    expect(draw(5, 1)).not.toEqual(draw(5, 2));
    expect(draw(5, 1)).not.toEqual(draw(6, 1));
    // An odd count and a longer draw share their beginning.
    expect(draw(5, 1, 20).subarray(0, 9)).toEqual(draw(5, 1, 9));
  });

  test('the same numbers as training/noise.py', () => {
    const draw = (fill: (out: Float32Array, seed: number, step: number) => void) => {
      const out = new Float32Array(3);
      fill(out, 4_000_000_000, 2);
      return [...out].map((x) => Number(x.toFixed(5)));
    };
    // python -c "from training import noise as n; print(*(f(4_000_000_000, s, 2, 3) for f, s in ((n.uniform, 0), (n.gaussian, 1), (n.gumbel, 2))))"
    expect(draw(fillUniform)).toEqual([0.24383, 0.81692, 0.48055]);
    expect(draw(fillGaussian)).toEqual([1.55591, -0.77381, -0.52473]);
    expect(draw(fillGumbel)).toEqual([1.74072, -0.62487, 0.28751]);
  });
});
