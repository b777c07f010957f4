import { describe, expect, it } from 'vitest';
import { ClassPicker } from '../../../src/renderer/images/form/classPicker.svelte.js';
import { fuzzyFilter } from '../../../src/renderer/shared/fuzzy.js';

const names = ['Apple Golden', 'Banana', 'Banana Red', 'Pineapple', 'Red Apple'];

describe('fuzzy search', () => {
  it('puts a start before a word, a word before a part', () => {
    expect(fuzzyFilter(names, 'apple')).toEqual(['Apple Golden', 'Red Apple', 'Pineapple']);
  });

  it('wants every word, in any order and case', () => {
    expect(fuzzyFilter(names, 'RED ban')).toEqual(['Banana Red']);
  });

  it('forgives letters left out, and accents', () => {
    expect(fuzzyFilter(names, 'bnna')).toEqual(['Banana', 'Banana Red']);
    expect(fuzzyFilter(['Açaí'], 'acai')).toEqual(['Açaí']);
  });

  it('keeps everything for an empty query and nothing for a foreign one', () => {
    expect(fuzzyFilter(names, '  ')).toEqual(names);
    expect(fuzzyFilter(names, 'xyz')).toEqual([]);
  });
});

describe('the class picker', () => {
  function picker(): ClassPicker {
    const made = new ClassPicker();
    made.names = names;
    made.recent = ['Pineapple', 'Long gone'];
    return made;
  }

  it('shows the classes used last on top, each class once', () => {
    expect(picker().rows).toEqual(['Pineapple', 'Apple Golden', 'Banana', 'Banana Red', 'Red Apple']);
  });

  it('has the best match ready for Enter, and no match for nothing found', () => {
    const p = picker();
    p.search('ban');
    expect(p.activeName).toBe('Banana');
    p.search('zzz');
    expect(p.activeName).toBeNull();
  });

  it('joins the ends for single steps and stops there for pages', () => {
    const p = picker();
    p.move(-1);
    expect(p.activeName).toBe('Red Apple');
    p.move(1);
    expect(p.activeName).toBe('Pineapple');
    p.move(8);
    p.move(8);
    expect(p.activeName).toBe('Red Apple');
  });

  it('moves what was used to the top', () => {
    const p = picker();
    p.used(['Banana', 'Pineapple']);
    expect(p.recentRows).toEqual(['Banana', 'Pineapple']);
  });
});
