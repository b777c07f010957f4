import type { Db } from './database.js';

/** When each class of a model was last asked for. */
export class ClassUseStore {
  constructor(private readonly db: Db) {}

  touch(model: string, classes: readonly string[], now = Date.now()): void {
    const upsert = this.db.prepare(
      'INSERT INTO class_use (model, class, used_at) VALUES (?, ?, ?) ON CONFLICT (model, class) DO UPDATE SET used_at = excluded.used_at',
    );
    this.db.transaction(() => {
      for (const name of classes) upsert.run(model, name, now);
    })();
  }

  /** Newest first. */
  recent(model: string): string[] {
    const rows = this.db.prepare('SELECT class FROM class_use WHERE model = ? ORDER BY used_at DESC, rowid').all(model) as {
      class: string;
    }[];
    return rows.map((row) => row.class);
  }
}
