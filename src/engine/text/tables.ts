import english from '../../../resources/text/english.json';

/** What both twins (this folder and training/text) know about English. */
export const tables = english;

/** JSON objects whose keys come from the text. */
export const lookUp = (table: Readonly<Record<string, string>>, key: string): string | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;
