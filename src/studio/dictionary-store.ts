import { type DictionaryEntry, LIMITS, StudioError, limitClause } from '../contract/index.js';
import type { Db } from './database.js';

/** The person's own dictionary, which the front end of speech asks before any other. */
export class DictionaryStore {
  constructor(private readonly db: Db) {}

  /** By word. */
  list(): DictionaryEntry[] {
    const rows = this.db.prepare('SELECT word, said FROM dictionary ORDER BY word').all() as DictionaryEntry[];
    return rows.map(({ word, said }) => ({ word, said }));
  }

  /** @throws StudioError `bad-request` where there are too many already */
  set({ word, said }: DictionaryEntry): DictionaryEntry {
    const { entries } = LIMITS.dictionary.limits;
    const { others } = this.db.prepare('SELECT count(*) AS others FROM dictionary WHERE word <> ?').get(word) as { others: number };
    if (others >= entries.value)
      throw new StudioError('bad-request', `The dictionary is full: ${limitClause(entries)}. Remove words that you no longer need.`);
    this.db
      .prepare('INSERT INTO dictionary (word, said) VALUES (?, ?) ON CONFLICT (word) DO UPDATE SET said = excluded.said')
      .run(word, said);
    return { word, said };
  }

  /** @throws StudioError `not-found` */
  remove(word: string): void {
    if (this.db.prepare('DELETE FROM dictionary WHERE word = ?').run(word).changes === 0)
      throw new StudioError('not-found', `The word “${word}” is not in the dictionary. Look at the list of words.`);
  }
}
