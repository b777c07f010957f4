import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { type DictionaryEntry, type Settings, StudioError } from '../contract/index.js';
import { type Db, databaseError } from './database.js';
import { DictionaryStore } from './dictionary-store.js';
import { SettingsStore } from './settings-store.js';

/** What a person has chosen once for all that the studio makes. */
export interface Preferences {
  dictionary: DictionaryEntry[];
  settings: Pick<Settings, 'embedRecipe'>;
}

/**
 * Those of a library without opening it: nothing is written, and no studio is kept off it for longer than this takes.
 * @param folder the data folder
 * @returns null where there is no library yet
 * @throws StudioError `refused` while a studio is using it, or `bad-file` where it is damaged
 */
export function readPreferences(folder: string): Preferences | null {
  const file = join(folder, 'studio.db');
  if (!existsSync(file)) return null;
  let db: Db | undefined;
  try {
    db = new Database(file);
    const { embedRecipe } = new SettingsStore(db).get();
    return { dictionary: hasTable(db, 'dictionary') ? new DictionaryStore(db).list() : [], settings: { embedRecipe } };
  } catch (error) {
    const known = databaseError(error, file);
    throw known instanceof StudioError ? known : new StudioError('bad-file', `The library ${file} can't be read.`, { cause: error });
  } finally {
    db?.close();
  }
}

/** The library of an earlier studio may lack it. */
function hasTable(db: Db, name: string): boolean {
  return db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(name) !== undefined;
}
