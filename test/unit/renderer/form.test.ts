import { describe, expect, it } from 'vitest';
import { PromptForm } from '../../../src/renderer/images/form/form.svelte.js';
import { manifest, recipe, sampling } from './fakes.js';

function form(): PromptForm {
  const made = new PromptForm();
  made.useModel(manifest);
  return made;
}

describe('the prompt form', () => {
  it('starts with the default preset of the package', () => {
    expect(form().sampling).toEqual(sampling);
  });

  it('says what is missing, and makes no request then', () => {
    const empty = form();
    expect(empty.problem).toBe('Choose at least one class.');
    expect(empty.nextRequest()).toBeNull();
    empty.toggleClass('Kiwi');
    expect(empty.problem).toBeNull();
  });

  it('refuses more pictures than a job may have', () => {
    const many = form();
    for (const name of manifest.classes) many.toggleClass(name);
    many.count = 400;
    expect(many.problem).toContain('1,200 pictures are too many');
  });

  it('says that a package without a step graph makes no pictures', () => {
    const { decode, encode, codebooks, golden, card } = manifest.files;
    const coder = new PromptForm();
    coder.useModel({ ...manifest, files: { decode, encode, codebooks, golden, card } });
    expect(coder.problem).toContain('not make new ones');
  });

  it('takes a new seed for each run unless the seed is pinned', () => {
    const f = form();
    f.toggleClass('Apple');
    const seeds = new Set(Array.from({ length: 5 }, () => f.nextRequest()?.seed));
    expect(seeds.size).toBe(5);
    f.typeSeed(42);
    expect([f.nextRequest()?.seed, f.nextRequest()?.seed]).toEqual([42, 42]);
  });

  it('marks the knobs that differ from the preset, and resets them one by one', () => {
    const f = form();
    f.setKnob('topP', 0.5);
    f.setKnob('steps', 3);
    expect([...f.changed].sort()).toEqual(['steps', 'topP']);
    f.resetKnob('steps');
    expect([...f.changed]).toEqual(['topP']);
    f.usePreset('balanced');
    expect(f.changed.size).toBe(0);
  });

  it('leaves out again what the preset leaves out, when its knob is reset', () => {
    const f = form();
    f.toggleClass('Apple');
    f.setKnob('voiceShare', 0.5);
    f.setKnob('candidates', 3);
    f.resetKnob('voiceShare');
    f.resetKnob('candidates');
    expect(f.nextRequest()?.sampling).toEqual(sampling);
    expect(f.nextRequest()?.sampling).not.toHaveProperty('candidates');
  });

  it('leaves the view to the seed unless one is chosen', () => {
    const f = form();
    f.toggleClass('Apple');
    expect(f.nextRequest()?.sampling).not.toHaveProperty('view');
    f.setView(0.25);
    expect(f.nextRequest()?.sampling.view).toBe(0.25);
    expect([...f.changed]).toEqual(['view']);
    f.setView(null);
    expect(f.nextRequest()?.sampling).not.toHaveProperty('view');
    expect(f.changed.size).toBe(0);
  });

  it('restores exactly the picture of a recipe', () => {
    const f = form();
    f.count = 9;
    expect(f.restore({ ...recipe, sampling: { ...sampling, steps: 48, topP: 0.9 } })).toBeNull();
    expect(f.classes).toEqual(['Banana']);
    expect(f.preset).toBe('best');
    expect([...f.changed]).toEqual(['topP']);
    expect(f.nextRequest()).toMatchObject({ model: 'fruits', classes: ['Banana'], count: 1, seed: 7, sampling: { steps: 48, topP: 0.9 } });
  });

  it.each([
    ['an encoded picture', { ...recipe, verb: 'encode' as const }, 'was not generated'],
    ['another model', { ...recipe, model: { id: 'birds', version: '1.0.0' } }, '"birds"'],
    ['an unknown class', { ...recipe, className: 'Durian' }, '"Durian"'],
  ])('keeps itself as it is for a recipe of %s', (_, foreign, sentence) => {
    const f = form();
    f.toggleClass('Apple');
    expect(f.restore(foreign)).toContain(sentence);
    expect(f.classes).toEqual(['Apple']);
  });

  it('keeps the classes that another package knows too, and its knobs when the same package comes again', () => {
    const f = form();
    f.toggleClass('Apple');
    f.toggleClass('Kiwi');
    f.setKnob('steps', 3);
    f.useModel(manifest);
    expect(f.sampling?.steps).toBe(3);
    f.useModel({ ...manifest, id: 'orchard', classes: ['Kiwi', 'Plum'] });
    expect(f.classes).toEqual(['Kiwi']);
    expect(f.sampling?.steps).toBe(24);
  });
});
