import type { Item, Params } from '../../contract/index.js';
import { SOUND_FORMATS } from '../shared/sound-formats.js';

export type ExportFormat = Params<'items.export'>['format'];

interface Choice {
  readonly value: ExportFormat;
  readonly label: string;
  readonly hint: string;
}

const PICTURES: readonly Choice[] = [
  { value: 'png', label: 'PNG', hint: 'Exact, carries the recipe' },
  { value: 'jpeg', label: 'JPEG', hint: 'Small, opens anywhere' },
  { value: 'webp', label: 'WebP', hint: 'Smallest' },
  { value: 'sheet', label: 'Contact sheet', hint: 'All on one page' },
];

const isSound = ({ kind }: Item): boolean => kind === 'speech';

/** What these items can be saved as. */
export function formatsOf(items: readonly Item[]): readonly Choice[] {
  if (items.length > 0 && items.every(isSound)) return SOUND_FORMATS;
  // A sheet is of several, and of pictures.
  const choices = items.length === 1 || items.some(isSound) ? PICTURES.filter(({ value }) => value !== 'sheet') : PICTURES;
  return items.some(isSound) ? choices.map((choice) => ({ ...choice, hint: `${choice.hint}; sounds as WAV` })) : choices;
}
