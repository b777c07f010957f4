import type { Edit, Item } from '../../../contract/index.js';
import type { TokenSelection } from '../grid/selection.svelte.js';
import { sayPositions } from '../grid/selection.svelte.js';
import { randomSeed } from '../../shared/seed.js';
import type { Tokens } from '../source.js';

export type EditKind = 'below' | 'selected' | 'least' | 'set' | 'swap' | 'blend' | 'zero';

export const EDIT_KINDS: readonly { readonly value: EditKind; readonly label: string; readonly says: string }[] = [
  { value: 'below', label: 'New details', says: 'Keeps the coarse depths of every position and generates the ones below them anew.' },
  { value: 'selected', label: 'Inpaint', says: 'Generates the selected tokens anew and keeps all others.' },
  {
    value: 'least',
    label: 'Least confident',
    says: 'Generates the tokens anew that the model was least sure of, with the deeper ones of their positions.',
  },
  { value: 'set', label: 'Set a code', says: 'Puts one code by hand.' },
  { value: 'swap', label: 'Swap depths', says: 'Takes the coarse depths of this item and the fine ones of another.' },
  { value: 'blend', label: 'Blend', says: 'Mixes the embeddings of two items and quantises the mixture again.' },
  { value: 'zero', label: 'Zero a depth', says: 'Gives every position the code of that depth that adds the least.' },
];

/** Kinds that ask the generator. */
const RESAMPLES: ReadonlySet<EditKind> = new Set(['below', 'selected', 'least']);

/** What is chosen in the Edit tab. It outlives the item that is open, so that a series of edits needs no filling in again. */
export class EditForm {
  kind = $state<EditKind>('below');
  /** 1..D: kept by `below`, taken of this item by `swap`, emptied by `zero`. */
  depth = $state(1);
  percent = $state(25);
  code = $state(0);
  alpha = $state(0.5);
  other = $state.raw<Item | null>(null);
  seed = $state(randomSeed());
  /** Empty for the item's own. */
  className = $state('');

  get resamples(): boolean {
    return RESAMPLES.has(this.kind);
  }

  newSeed(): void {
    this.seed = randomSeed();
  }

  /** Brings the values into the shape of the tokens that are open. */
  show({ D, V }: Tokens): void {
    this.depth = Math.min(this.depth, D);
    this.code = Math.min(this.code, V - 1);
  }

  /** The sentence that says what stands in the way; null where the edit can be made. */
  problem(tokens: Tokens, selection: TokenSelection): string | null {
    if (this.resamples && tokens.cannot.resample !== null) return tokens.cannot.resample;
    const { className, speech } = tokens.item.recipe;
    if (this.resamples && !speech && !className && this.className === '') return 'Choose the class to generate: this item has none.';
    if (this.kind === 'selected' && selection.empty) {
      return speech
        ? 'Select words first: press them, or drag over the sound or the grid.'
        : 'Select positions first: drag over the picture or the grid.';
    }
    if (this.kind === 'selected' && selection.depths[1] < tokens.D - 1) {
      return `Select down to depth ${tokens.D}: what the model sees of a position is always its first depths, so a deep token can't stay below a free one.`;
    }
    if ((this.kind === 'swap' || this.kind === 'blend') && !this.other) return 'Choose the other item.';
    return null;
  }

  /** One sentence about what would be done. */
  summary({ D, L }: Tokens, selection: TokenSelection): string {
    const { i, j } = selection.cursor;
    switch (this.kind) {
      case 'below':
        return this.depth >= D
          ? 'Keeps everything: choose a smaller depth.'
          : `Keeps depths 1 to ${this.depth}, makes ${(D - this.depth) * L} tokens anew.`;
      case 'selected':
        return selection.empty ? '' : `Makes ${selection.size} tokens anew, at ${short(sayPositions(selection.sorted))}.`;
      case 'least':
        return `Makes at least ${Math.ceil((this.percent / 100) * L * D)} of ${L * D} tokens anew.`;
      case 'set':
        return `Position ${i}, depth ${j + 1}: the cell that is marked in the grid.`;
      case 'swap':
        return this.depth >= D
          ? 'All depths are of this item.'
          : `Depths 1 to ${this.depth} of this item, ${this.depth + 1} to ${D} of the other.`;
      case 'blend':
        return `${Math.round(100 * (1 - this.alpha))} % of this item, ${Math.round(100 * this.alpha)} % of the other.`;
      case 'zero':
        return `Depth ${this.depth} of all ${L} positions.`;
    }
  }

  /** The edit as the studio takes it; null where `problem` says why not. */
  edit(tokens: Tokens, selection: TokenSelection): Edit | null {
    if (this.problem(tokens, selection) !== null) return null;
    const { depth, percent, code, alpha, other } = this;
    switch (this.kind) {
      case 'below':
        return { kind: 'resampleBelow', depth };
      case 'selected':
        return selected(selection);
      case 'least':
        return { kind: 'resampleLeastConfident', percent };
      case 'set':
        return { kind: 'setCodes', codes: [{ position: selection.cursor.i, depth: selection.cursor.j + 1, code }] };
      case 'swap':
        return other && { kind: 'swap', other: other.id, at: depth };
      case 'blend':
        return other && { kind: 'blend', other: other.id, alpha };
      case 'zero':
        return { kind: 'zeroDepth', depth };
    }
  }
}

function selected({ sorted, depths: [from, to] }: TokenSelection): Edit {
  if (from === 0) return { kind: 'resamplePositions', positions: sorted };
  const depths = Array.from({ length: to - from + 1 }, (_, n) => from + n + 1);
  return { kind: 'resampleTokens', tokens: sorted.flatMap((position) => depths.map((depth) => ({ position, depth }))) };
}

function short(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
