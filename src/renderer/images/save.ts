import type { Params } from '../../contract/index.js';

export type ExportFormat = Params<'items.export'>['format'];

export const formats: readonly { readonly value: ExportFormat; readonly label: string; readonly hint: string }[] = [
  { value: 'png', label: 'PNG', hint: 'Exact, carries the recipe' },
  { value: 'jpeg', label: 'JPEG', hint: 'Small, opens anywhere' },
  { value: 'webp', label: 'WebP', hint: 'Smallest' },
  { value: 'sheet', label: 'Contact sheet', hint: 'All on one page' },
];
