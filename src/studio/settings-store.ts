import { DEFAULT_SETTINGS, Settings } from '../contract/index.js';
import type { Db } from './database.js';

/** Settings, one row a field; a value that this version can't read counts as not set. */
export class SettingsStore {
  constructor(private readonly db: Db) {}

  get(): Settings {
    const rows = this.db.prepare('SELECT key, value FROM settings').all() as { key: string; value: string }[];
    const known = rows.map(({ key, value }) => Settings.partial().safeParse({ [key]: JSON.parse(value) as unknown }));
    return Object.assign({ ...DEFAULT_SETTINGS }, ...known.map((row) => row.data ?? {})) as Settings;
  }

  set(change: { [K in keyof Settings]?: Settings[K] | undefined }): Settings {
    const upsert = this.db.prepare(
      'INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    );
    this.db.transaction(() => {
      for (const [key, value] of Object.entries(change)) if (value !== undefined) upsert.run(key, JSON.stringify(value));
    })();
    return this.get();
  }
}
