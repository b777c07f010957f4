import type { ItemFilter, Params } from '../contract/index.js';

/** A part of a query and the values of its marks. */
interface Sql {
  text: string;
  values: (string | number)[];
}

/**
 * The words of a search as a full-text query in which each has to begin a word of the item; null where it has no letter or digit. They
 * are quoted, so that nothing a person types is an operator.
 */
function ftsQuery(search: string): string | null {
  const words = search.toLowerCase().match(/[\p{L}\p{N}\p{M}]+/gu);
  return words && words.map((word) => `"${word}"*`).join(' ');
}

/** `FROM … WHERE …` of the items that a list shows, without its page; null where nothing can match. */
export function itemsMatching({ kind, search, filter }: Pick<Params<'items.list'>, 'kind' | 'search' | 'filter'>): Sql | null {
  const conditions = [filter.place === 'trash' ? 'items.deleted_at IS NOT NULL' : 'items.deleted_at IS NULL'];
  const values: Sql['values'] = [];
  const narrow = (condition: string, value: string | number): void => {
    conditions.push(condition);
    values.push(value);
  };
  let from = 'items';
  if (search.trim() !== '') {
    const query = ftsQuery(search);
    if (query === null) return null;
    // A cross join keeps the order of the loops: the index of words gives few rows, in the order of the list.
    from = 'items_fts CROSS JOIN items ON items.seq = items_fts.rowid';
    narrow('items_fts MATCH ?', query);
  }
  if (kind !== null) narrow('items.kind = ?', kind);
  narrowByFilter(filter, narrow);
  if (filter.favourites) conditions.push('items.favourite = 1');
  return { text: `FROM ${from} WHERE ${conditions.join(' AND ')}`, values };
}

function narrowByFilter({ model, tag, voice, from, until }: ItemFilter, narrow: (condition: string, value: string | number) => void): void {
  if (model !== null) narrow('items.model = ?', model);
  if (tag !== null) narrow('items.seq IN (SELECT seq FROM item_tags WHERE tag = ?)', tag);
  if (voice !== null) narrow('items.voice = ?', voice);
  if (from !== null) narrow('items.created_at >= ?', from);
  if (until !== null) narrow('items.created_at < ?', until);
}
