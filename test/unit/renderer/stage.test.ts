import { describe, expect, it } from 'vitest';
import { Stage, jobProgress } from '../../../src/renderer/images/stage/stage.svelte.js';
import { approach, veilOpacity } from '../../../src/renderer/images/stage/veil.js';
import { item, job } from './fakes.js';

const progress = (step: number, previews: Uint8Array<ArrayBuffer>[], jobId = 'job1') => ({
  jobId,
  indices: [0, 1],
  step,
  steps: 4,
  masked: 1,
  tokens: 8,
  previews,
  k: [Uint8Array.of(2, 1, 0, 0), Uint8Array.of(2, 2, 2, 2)],
  secondsLeft: 3,
});

describe('the stage', () => {
  it('keeps the picture of the step before where a step has none', () => {
    const stage = new Stage();
    const preview = Uint8Array.of(1);
    stage.onProgress(progress(1, [preview, Uint8Array.of(2)]));
    stage.onProgress(progress(2, []));
    expect(stage.frame?.step).toBe(2);
    expect(stage.frame?.tiles[0]?.preview).toBe(preview);
  });

  it('does not show one job under the pictures of another', () => {
    const stage = new Stage();
    stage.onProgress(progress(3, [Uint8Array.of(1), Uint8Array.of(2)]));
    stage.onProgress(progress(1, [], 'job2'));
    expect(stage.frame?.tiles[0]?.preview).toBeNull();
  });

  it('ends with the pictures of the job', () => {
    const stage = new Stage();
    stage.onJob(job('job1', { state: 'running' }));
    stage.onProgress(progress(4, []));
    stage.onItem(item('a', { jobId: 'job1' }));
    stage.onItem(item('a', { jobId: 'job1' }));
    stage.onItem(item('imported'));
    stage.onJob(job('job1', { state: 'done', done: 1 }));
    expect(stage.frame).toBeNull();
    expect(stage.result?.items.map(({ id }) => id)).toEqual(['a']);
    stage.onRemoved(['a']);
    expect(stage.result).toBeNull();
  });

  it('shows no result for a job that was stopped before its first picture', () => {
    const stage = new Stage();
    stage.onProgress(progress(1, []));
    stage.onJob(job('job1', { state: 'cancelled' }));
    expect(stage.result).toBeNull();
  });

  it('does not let the end of a waiting job disturb the running one', () => {
    const stage = new Stage();
    stage.onProgress(progress(1, []));
    stage.onJob(job('job2', { state: 'cancelled' }));
    expect(stage.frame?.jobId).toBe('job1');
  });

  it('counts the steps of the batch on its way', () => {
    const stage = new Stage();
    stage.onProgress(progress(2, []));
    expect(jobProgress(job('job1', { done: 1, total: 4 }), stage.frame)).toBe(0.5);
    expect(jobProgress(job('job2', { done: 1, total: 4 }), stage.frame)).toBe(0.25);
  });
});

describe('the veil', () => {
  it('is open where everything is revealed and thickens with every masked depth', () => {
    const opacity = veilOpacity(Uint8Array.of(0, 1, 8, 16), 16);
    expect(opacity[0]).toBe(0);
    expect([...opacity]).toEqual([...opacity].sort((a, b) => a - b));
    expect(opacity[3]).toBeGreaterThan(230);
  });

  it('comes to its target in the end, and at once without motion', () => {
    const shown = Float32Array.of(255, 0);
    const target = Uint8ClampedArray.of(0, 100);
    let frames = 1;
    while (!approach(shown, target, 0.25)) frames++;
    expect([...shown]).toEqual([0, 100]);
    expect(frames).toBeGreaterThan(3);
    const still = Float32Array.of(255, 0);
    approach(still, target, 1);
    expect([...still]).toEqual([0, 100]);
  });
});
