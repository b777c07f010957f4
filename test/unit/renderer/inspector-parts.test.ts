import { describe, expect, it } from 'vitest';
import { linePath, shortNumber, ticks } from '../../../src/renderer/inspector/charts/scale.js';
import { Latest } from '../../../src/renderer/inspector/latest.js';
import { difference, psnr, type Pixels } from '../../../src/renderer/inspector/pixels.js';

describe('the newest of many tasks', () => {
  it('runs the first and the last, and nothing between', async () => {
    const latest = new Latest();
    const ran: number[] = [];
    let release = (): void => undefined;
    const first = latest.run(async () => {
      ran.push(1);
      await new Promise<void>((resolve) => (release = resolve));
    });
    for (const n of [2, 3, 4]) void latest.run(async () => void ran.push(n));
    release();
    await first;
    expect(ran).toEqual([1, 4]);
  });

  it('goes on after a task that failed', async () => {
    const latest = new Latest();
    await expect(latest.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    let ran = false;
    await latest.run(async () => void (ran = true));
    expect(ran).toBe(true);
  });
});

describe('pictures compared', () => {
  const pixel = (...data: number[]): Pixels => ({ width: 1, height: 1, data: Uint8ClampedArray.from(data) });
  const grey = pixel(100, 100, 100, 255);

  it('have no noise between equal ones, and 20 dB at a tenth of the range', () => {
    expect(psnr(grey, grey)).toBe(Infinity);
    expect(psnr(pixel(0, 0, 0, 255), pixel(25, 26, 25, 0))).toBeCloseTo(20, 0);
  });

  it('differ around the middle, stretched to the largest', () => {
    const { pixels, gain } = difference(pixel(110, 100, 95, 255), grey);
    expect([...pixels.data]).toEqual([255, 128, 64, 255]);
    expect(gain).toBeCloseTo(12.7);
  });
});

describe('the axes of a chart', () => {
  it('have round steps that cover the range', () => {
    expect(ticks(0, 1, 4)).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(ticks(1, 16, 6)).toEqual([2.5, 5, 7.5, 10, 12.5, 15]);
    expect(ticks(0, 0.3, 3)).toEqual([0, 0.1, 0.2, 0.3]);
    expect(ticks(3, 3, 4)).toEqual([3]);
  });

  it('write numbers short', () => {
    expect([0, 0.00012, 0.5, 12.345, 1234, 45678].map(shortNumber)).toEqual(['0', '1.2e-4', '0.5', '12.3', '1234', '45.7k']);
  });

  it('break a line where a value is missing', () => {
    expect(
      linePath([
        [0, 1],
        [1, Number.NaN],
        [2, 3],
        [3, 4],
      ]),
    ).toBe('M0.0 1.0M2.0 3.0L3.0 4.0');
  });
});
