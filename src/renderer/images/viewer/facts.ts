import type { Item } from '../../../contract/index.js';
import { sayEdit } from '../../shared/names.js';
import { formatDate, formatMs } from '../../shared/format.js';

export interface Fact {
  readonly label: string;
  readonly value: string;
}

/** What there is to know about how an item came to be, in the order in which people ask. */
export function factsOf(item: Item): Fact[] {
  const { recipe } = item;
  const { sampling } = recipe;
  const facts: (Fact | null)[] = [
    fact('Text', recipe.speech?.text),
    fact('Class', recipe.className),
    fact('File', recipe.source),
    fact('Edit', recipe.edit && sayEdit(recipe.edit)),
    fact('Seed', recipe.seed),
    { label: 'Model', value: `${recipe.model.id} ${recipe.model.version}` },
    fact('Steps', sampling?.steps),
    fact('Schedule', sampling?.schedule),
    sampling ? { label: 'Guidance', value: `${sampling.guidanceFrom} to ${sampling.guidanceTo}` } : null,
    fact('Top-p', sampling?.topP),
    fact('Noise', sampling?.noise),
    sampling ? { label: 'Reveal order', value: sampling.reveal === 'confidence' ? 'surest first' : 'random' } : null,
    fact('Tau', sampling?.tau),
    fact('Candidates', sampling?.candidates),
    fact('Speed', recipe.speech && recipe.speech.speed !== 1 ? `${recipe.speech.speed} ×` : undefined),
    fact('View', sampling?.view),
    item.width !== null && item.height !== null ? { label: 'Size', value: `${item.width} × ${item.height}` } : null,
    item.durationMs !== null ? { label: 'Time', value: formatMs(item.durationMs) } : null,
    { label: recipe.verb === 'encode' ? 'Imported' : 'Made', value: formatDate(item.createdAt) },
  ];
  return facts.filter((f) => f !== null);
}

export function titleOf(item: Item): string {
  const { className, source, speech } = item.recipe;
  return className ?? source ?? speech?.text ?? (item.kind === 'image' ? 'Picture' : 'Sound');
}

function fact(label: string, value: string | number | undefined): Fact | null {
  return value === undefined ? null : { label, value: String(value) };
}
