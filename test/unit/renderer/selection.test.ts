import { describe, expect, it } from 'vitest';
import { boxBetween, overlaps } from '../../../src/renderer/images/gallery/marquee.js';
import { Selection } from '../../../src/renderer/images/gallery/selection.svelte.js';

const order = ['a', 'b', 'c', 'd', 'e'];
const marked = (s: Selection) => [...s.ids].sort().join('');

describe('the selection', () => {
  it('extends from the anchor either way, and shrinks again', () => {
    const s = new Selection();
    s.toggle('c');
    s.extendTo('e', order);
    expect(marked(s)).toBe('cde');
    s.extendTo('b', order);
    expect(marked(s)).toBe('bc');
  });

  it('selects one alone where a range has no beginning', () => {
    const s = new Selection();
    s.extendTo('d', order);
    expect(marked(s)).toBe('d');
  });

  it('moves by keyboard without marking, stops at the ends, and marks with shift', () => {
    const s = new Selection();
    s.move(1, order, false);
    expect(s.active).toBe('a');
    s.move(-1, order, false);
    expect(s.active).toBe('a');
    expect(s.size).toBe(0);
    s.move(1, order, true);
    s.move(1, order, true);
    expect(marked(s)).toBe('abc');
  });

  it('begins a new range where the keyboard stands after it was cleared', () => {
    const s = new Selection();
    s.toggle('a');
    s.clear();
    s.move(3, order, false);
    s.clear();
    s.move(1, order, true);
    expect(marked(s)).toBe('de');
  });

  it('passes the keyboard to a neighbour when its item goes', () => {
    const s = new Selection();
    s.only('c');
    s.forget(new Set(['c', 'd']), order);
    expect(s.active).toBe('e');
    s.forget(new Set(['e']), ['a', 'b', 'e']);
    expect(s.active).toBe('b');
    expect(s.size).toBe(0);
  });
});

describe('the marquee', () => {
  it('is the same box whichever way it is drawn', () => {
    expect(boxBetween(5, 6, 1, 2)).toEqual(boxBetween(1, 2, 5, 6));
  });

  it('catches what it overlaps, not what it only touches', () => {
    const tile = boxBetween(0, 0, 10, 10);
    expect(overlaps(boxBetween(9, 9, 20, 20), tile)).toBe(true);
    expect(overlaps(boxBetween(10, 0, 20, 10), tile)).toBe(false);
  });
});
