import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { SAMPLING, openStudio, request } from './support.js';

describe('the unmasking as an animation', () => {
  it.each(['webp', 'gif'] as const)('is a square page a step in %s, large enough to be looked at', async (format) => {
    const { studio, ask, ended } = openStudio();
    const job = await ask('jobs.create', request({ count: 1 }));
    await ended(job.id);
    const { items } = await ask('items.list', { limit: 1, before: null, kind: null, search: '' });
    const { url } = await ask('tokens.export', { id: items[0]?.id ?? '', format });
    const { file = '' } = (await studio.asset(url)) ?? {};
    const { width, pageHeight, delay = [], loop } = await sharp(readFileSync(file), { animated: true }).metadata();
    expect({ width, pageHeight, loop }).toEqual({ width: 256, pageHeight: 256, loop: 0 });
    // Pages that look alike are joined, and keep their time together: a page a step before the last, which stands longer.
    const whole = delay.reduce((sum, ms) => sum + ms, 0);
    expect(whole).toBe(SAMPLING.steps * 120 + 1500);
  });
});
