import type { Edit, Item } from '../../contract/index.js';

/** What people call an item: "Banana, seed 7", "apple.png", "Good morning.", "Edit of depth 3". */
export function nameOf({ recipe }: Item): string {
  const { className, source, seed, edit, speech } = recipe;
  const what = className ?? source ?? speech?.text ?? (edit ? sayEdit(edit) : 'Item');
  // The full stop of a sentence is none where the name goes on.
  return seed === undefined ? what : `${what.replace(/[.,;:]+$/, '')}, seed ${seed}`;
}

/** An edit in a few words. */
export function sayEdit(edit: Edit): string {
  switch (edit.kind) {
    case 'resampleBelow':
      return `new details below depth ${edit.depth}`;
    case 'resamplePositions':
      return `${edit.positions.length} positions made anew`;
    case 'resampleTokens':
      return `${edit.tokens.length} tokens made anew`;
    case 'resampleLeastConfident':
      return `least confident ${edit.percent} % made anew`;
    case 'setCodes':
      return `${edit.codes.length} ${edit.codes.length === 1 ? 'code' : 'codes'} set by hand`;
    case 'swap':
      return `depths swapped after ${edit.at}`;
    case 'blend':
      return `blend with ${Math.round(100 * edit.alpha)} % of another`;
    case 'zeroDepth':
      return `depth ${edit.depth} zeroed`;
  }
}
