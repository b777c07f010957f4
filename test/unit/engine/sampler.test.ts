import { describe, expect, test } from 'vitest';
import type { SampleItem, StepFunction, StepInputs, StepReport } from '../../../src/engine/index.js';
import { sample } from '../../../src/engine/index.js';
import { SAMPLING, TINY_SHAPE } from './fixtures.js';

const { L, D, V, H } = TINY_SHAPE;

/** A step whose proposals depend on the noise alone, so that they tell pictures and steps apart. Records its inputs. */
function fakeStep(seen: StepInputs[] = []): StepFunction {
  return ({ B, tokens, k, ...rest }) => {
    seen.push({ B, tokens: tokens.slice(), k: k.slice(), ...rest, uniform: rest.uniform.slice(), gaussian: rest.gaussian.slice() });
    const proposed = tokens.slice();
    const confidence = new Float32Array(B * L * D);
    for (let b = 0; b < B; b++) {
      for (let i = 0; i < L; i++) {
        let total = 0;
        for (let j = D - (k[b * L + i] ?? 0); j < D; j++) {
          const g = rest.gaussian[b * L * H + i * H + j] ?? 0;
          total -= Math.abs(g) + 0.01;
          proposed[(b * L + i) * D + j] = Math.floor(Math.abs(g) * 1000) % V;
          confidence[(b * L + i) * D + j] = total;
        }
      }
    }
    return Promise.resolve({ proposed, confidence });
  };
}

const item = (seed: number, condition = 0): SampleItem => ({ seed, condition });

describe('sample', () => {
  test('reveals every token, each at a step 1..T and once', async () => {
    const reports: StepReport[] = [];
    const [picture] = await sample(fakeStep(), TINY_SHAPE, [item(1)], SAMPLING, {
      onStep: (report) =>
        reports.push({
          ...report,
          samples: report.samples.map(({ tokens, revealedAt, confidence }) => ({
            tokens: tokens.slice(),
            revealedAt: revealedAt.slice(),
            confidence,
          })),
        }),
    });
    expect(reports.map((report) => report.step)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(reports.at(-1)?.masked).toBe(0);
    expect(reports.at(-1)?.k[0]).toEqual(new Uint8Array(L));
    expect(picture?.revealedAt.every((t) => t >= 1 && t <= 6)).toBe(true);
    for (const { step, samples } of reports) {
      const revealed = samples[0];
      // What is revealed is what the finished picture has, and a prefix of each position's depths.
      revealed?.revealedAt.forEach((t, place) => {
        if (t > 0) expect(revealed.tokens[place]).toBe(picture?.tokens[place]);
        if (t > 0 && place % D > 0) expect(revealed.revealedAt[place - 1]).toBeGreaterThan(0);
        expect(t).toBeLessThanOrEqual(step);
      });
    }
  });

  test('a seed gives the same tokens alone and in a batch', async () => {
    const alone = await sample(fakeStep(), TINY_SHAPE, [item(9)], SAMPLING);
    const batch = await sample(fakeStep(), TINY_SHAPE, [item(3), item(9), item(4)], SAMPLING);
    expect(batch[1]).toEqual(alone[0]);
    expect(batch[0]?.tokens).not.toEqual(batch[2]?.tokens);
  });

  test.each(['confidence', 'random'] as const)('one step, %s: everything at once, at the final guidance', async (reveal) => {
    const seen: StepInputs[] = [];
    const [picture] = await sample(fakeStep(seen), TINY_SHAPE, [item(1)], { ...SAMPLING, steps: 1, reveal });
    expect(seen).toHaveLength(1);
    expect(seen[0]?.guidance).toBe(SAMPLING.guidanceTo);
    expect(picture?.revealedAt).toEqual(new Uint8Array(L * D).fill(1));
  });

  test('guidance rises linearly from the first step to the last', async () => {
    const seen: StepInputs[] = [];
    await sample(fakeStep(seen), TINY_SHAPE, [item(1)], { ...SAMPLING, steps: 5, schedule: 'exponential', guidanceFrom: 1, guidanceTo: 3 });
    // The first two of five steps reveal none of 16 tokens, and so have no forward pass.
    expect(seen.map((inputs) => inputs.guidance)).toEqual([2, 2.5, 3]);
  });

  test('no forward pass for a step that reveals nothing', async () => {
    const seen: StepInputs[] = [];
    const reports: number[] = [];
    await sample(fakeStep(seen), TINY_SHAPE, [item(1)], { ...SAMPLING, steps: 200 }, { onStep: ({ step }) => reports.push(step) });
    // 16 tokens can leave the mask in at most 16 steps.
    expect(seen.length).toBeLessThanOrEqual(16);
    expect(reports).toHaveLength(200);
  });

  test('tokens that are given stay bit for bit; only the masked ones are drawn', async () => {
    const tokens = Int32Array.from({ length: L * D }, (_, place) => place % V);
    const k = Int32Array.from([0, 1, 3, 4]);
    const [picture] = await sample(fakeStep(), TINY_SHAPE, [{ ...item(5), fixed: { tokens, k } }], SAMPLING);
    tokens.forEach((code, place) => {
      const given = place % D < D - (k[Math.floor(place / D)] ?? 0);
      expect(picture?.revealedAt[place] === 0).toBe(given);
      expect(Number.isNaN(picture?.confidence[place])).toBe(given);
      if (given) expect(picture?.tokens[place]).toBe(code);
    });
  });

  test('a seed draws the view, the same at every step; tokens that are given leave it unknown', async () => {
    const seen: StepInputs[] = [];
    const fixed = { tokens: new Int32Array(L * D), k: new Int32Array(L).fill(1) };
    await sample(fakeStep(seen), TINY_SHAPE, [item(1), item(2), { ...item(1), fixed }], SAMPLING);
    const [first, second, given] = seen[0]?.view ?? [];
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(1);
    expect(second).not.toBe(first);
    expect(given).toBe(-1);
    for (const { view } of seen) expect(view).toEqual(seen[0]?.view);

    seen.length = 0;
    await sample(fakeStep(seen), TINY_SHAPE, [item(1), { ...item(1), fixed }], { ...SAMPLING, view: 0.75 });
    expect(seen[0]?.view).toEqual(Float32Array.of(0.75, 0.75));
  });

  test('when everything is given nothing is drawn', async () => {
    const tokens = new Int32Array(L * D).fill(7);
    const seen: StepInputs[] = [];
    const [picture] = await sample(fakeStep(seen), TINY_SHAPE, [{ ...item(5), fixed: { tokens, k: new Int32Array(L) } }], SAMPLING);
    expect(seen).toHaveLength(0);
    expect(picture?.tokens).toEqual(tokens);
  });

  test.each([
    ['too few', new Int32Array(3), new Int32Array(L)],
    ['codes out of range', new Int32Array(L * D).fill(V), new Int32Array(L)],
    ['masks too deep', new Int32Array(L * D), new Int32Array(L).fill(D + 1)],
  ])('refuses tokens to keep that do not fit: %s', async (_, tokens, k) => {
    await expect(sample(fakeStep(), TINY_SHAPE, [{ ...item(1), fixed: { tokens, k } }], SAMPLING)).rejects.toMatchObject({
      code: 'bad-request',
    });
  });

  test('cancel ends it between two steps', async () => {
    const controller = new AbortController();
    const steps: number[] = [];
    const onStep = ({ step }: StepReport) => {
      steps.push(step);
      if (step === 2) controller.abort();
    };
    await expect(sample(fakeStep(), TINY_SHAPE, [item(1)], SAMPLING, { onStep, signal: controller.signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(steps).toEqual([1, 2]);
  });

  test('timers get their turn between steps, even when the step never waits', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    const step = fakeStep();
    const busy: typeof step = (...given) => {
      // As long as a timer's unit takes, however fast the machine is.
      for (const until = performance.now() + 2; performance.now() < until;);
      return step(...given);
    };
    await sample(busy, TINY_SHAPE, [item(1)], SAMPLING);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(0);
  });

  test('previews decode the visible prefix of each position', async () => {
    const depths: { depth: number[]; k: number[] }[] = [];
    let last: number[] = [];
    const decode = (B: number, _tokens: Int32Array, depth: Int32Array) => {
      last = [...depth];
      return Promise.resolve(new Uint8Array(B * 12));
    };
    await sample(
      fakeStep(),
      TINY_SHAPE,
      [item(1), item(2)],
      { ...SAMPLING, steps: 30 },
      {
        preview: { everyMs: 0, decode },
        onStep: ({ previews, k }) => {
          if (previews.length > 0) depths.push({ depth: last, k: k.flatMap((one) => [...one]) });
          expect([0, 2]).toContain(previews.length);
        },
      },
    );
    expect(depths).toHaveLength(29);
    for (const { depth, k } of depths) expect(depth).toEqual(k.map((k_i) => D - k_i));
  });
});
