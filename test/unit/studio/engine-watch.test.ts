import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { StudioError } from '../../../src/contract/index.js';
import { EngineWatch } from '../../../src/studio/engine-watch.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watch(memory: () => number | null = () => 1): { watch: EngineWatch; told: string[] } {
  const told: string[] = [];
  const onRunaway = ({ code, message }: StudioError): void => void told.push(`${code}: ${message}`);
  return { watch: new EngineWatch({ residentBytes: memory, onRunaway, runMs: 60_000, memoryBytes: 2 ** 30 }), told };
}

test('an engine that says nothing for too long is told of once, with the limit', () => {
  const { watch: one, told } = watch();
  one.heard();
  vi.advanceTimersByTime(50_000);
  one.heard();
  vi.advanceTimersByTime(60_000);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(600_000);
  expect(told).toEqual([
    expect.stringMatching(/^refused: A run of the model takes too long; the limit is 1 minute \(.*\)\. It was stopped\./),
  ]);
});

test('so is one that takes too much memory; a host that can not tell does no harm', () => {
  let bytes: number | null = null;
  const { watch: one, told } = watch(() => bytes);
  one.heard();
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual([]);
  bytes = 2 ** 31;
  vi.advanceTimersByTime(2000);
  expect(told).toEqual([expect.stringMatching(/^refused: The model takes too much memory; 1 GiB is what this machine can give it\./)]);
});

test('neither an idle engine nor a machine that slept is taken for one that hangs', () => {
  const { watch: one, told } = watch();
  one.heard();
  one.stop();
  vi.advanceTimersByTime(600_000);
  one.heard();
  // What a sleep does: the clock is hours ahead, and no timer has run.
  vi.setSystemTime(Date.now() + 8 * 3_600_000);
  vi.advanceTimersByTime(5000);
  expect(told).toEqual([]);
});
