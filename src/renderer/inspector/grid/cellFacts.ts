import { shortNumber } from '../charts/scale.js';
import type { Tokens } from '../source.js';
import type { Cell } from './viewport.svelte.js';

interface CellFact {
  readonly label: string;
  readonly value: string;
}

export function cellTitle({ i, j }: Cell, tokens: Tokens): string {
  return `Position ${i}${whereIs(i, tokens)}, depth ${j + 1}`;
}

/** Rows and columns count from 0, as positions do. */
function whereIs(i: number, { grid, secondsPerPosition }: Tokens): string {
  if (grid) return ` (row ${Math.floor(i / grid[1])}, column ${i % grid[1]})`;
  return secondsPerPosition === null ? '' : ` (${(i * secondsPerPosition).toFixed(2)} s)`;
}

/** What there is to know about one token. */
export function factsOf({ i, j }: Cell, tokens: Tokens, nearest: readonly number[] | null): CellFact[] {
  const { D, codes, norm, residual, frequency, rarity, confidence, revealedAt } = tokens;
  const n = i * D + j;
  const at = (values: ArrayLike<number> | null) => values?.[n] ?? Number.NaN;
  const step = at(revealedAt);
  const facts: (CellFact | null)[] = [
    { label: 'Code', value: String(codes[n]) },
    { label: 'Norm', value: shortNumber(at(norm)) },
    { label: 'Energy left', value: shortNumber(at(residual)) },
    at(frequency) > 0
      ? { label: 'Share in its depth', value: `${shortNumber(100 * at(frequency))} % (${at(rarity).toFixed(1)} bits)` }
      : null,
    confidence ? confidenceFact(at(confidence), step) : null,
    revealedAt ? { label: 'Revealed', value: step > 0 ? `step ${step}` : 'was given' } : null,
    { label: 'Nearest codes', value: nearest ? nearest.join(', ') : '…' },
  ];
  return facts.filter((fact) => fact !== null);
}

/** A token that was given has the score of the generation that it is from, where there was one. Studios up to 0.1.0 wrote 0 for none. */
function confidenceFact(score: number, step: number): CellFact | null {
  if (step > 0) return { label: 'Confidence', value: shortNumber(score) };
  return score < 0 ? { label: 'Confidence when made', value: shortNumber(score) } : null;
}
