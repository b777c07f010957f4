import { type Item, type Params, Recipe, type Result, StudioError } from '../contract/index.js';
import type { Db } from './database.js';

interface ItemRow {
  id: string;
  kind: 'image' | 'speech';
  created_at: number;
  job_id: string | null;
  recipe: string;
  width: number | null;
  height: number | null;
  duration_ms: number | null;
  deleted_at: number | null;
}

export class ItemsStore {
  constructor(private readonly db: Db) {}

  /** `jobIndex` is the item's place in its job, which is how a job that goes on knows what it has. */
  add(item: Item, jobIndex: number | null): void {
    const { recipe } = item;
    const search = [recipe.className, recipe.source, recipe.model.id, recipe.seed]
      .filter((part) => part !== undefined)
      .join(' ')
      .toLowerCase();
    this.db
      .prepare(
        `INSERT INTO items (id, kind, created_at, job_id, job_index, recipe, search, width, height, duration_ms, deleted_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        item.id,
        item.kind,
        item.createdAt,
        item.jobId,
        jobIndex,
        JSON.stringify(recipe),
        search,
        item.width,
        item.height,
        item.durationMs,
        item.deletedAt,
      );
  }

  /** @throws StudioError `not-found` */
  get(id: string): Item {
    const row = this.db.prepare('SELECT * FROM items WHERE id = ?').get(id) as ItemRow | undefined;
    if (!row) throw new StudioError('not-found', 'There is no such item; it may have been deleted. Reload the gallery.');
    return toItem(row);
  }

  /** Every id, of trashed items too. */
  ids(): Set<string> {
    return new Set((this.db.prepare('SELECT id FROM items').all() as { id: string }[]).map((row) => row.id));
  }

  /** Indices within the job of its finished items. */
  finished(jobId: string): Set<number> {
    const rows = this.db.prepare('SELECT job_index AS i FROM items WHERE job_id = ?').all(jobId) as { i: number }[];
    return new Set(rows.map((row) => row.i));
  }

  /** Items outside the trash, newest first; every word of `search` has to be found. */
  list({ limit, before, kind, search }: Params<'items.list'>): Result<'items.list'> {
    const filters = ['deleted_at IS NULL'];
    const values: (string | number)[] = [];
    if (kind) {
      filters.push('kind = ?');
      values.push(kind);
    }
    for (const word of search.toLowerCase().split(/\s+/).filter(Boolean)) {
      filters.push('instr(search, ?) > 0');
      values.push(word);
    }
    const where = filters.join(' AND ');
    const { total } = this.db.prepare(`SELECT count(*) AS total FROM items WHERE ${where}`).get(...values) as { total: number };
    const page = before === null ? '' : 'AND seq < (SELECT seq FROM items WHERE id = ?)';
    const rows = this.db
      .prepare(`SELECT * FROM items WHERE ${where} ${page} ORDER BY seq DESC LIMIT ?`)
      .all(...values, ...(before === null ? [] : [before]), limit) as ItemRow[];
    return { items: rows.map(toItem), total };
  }

  /** Moves items into the trash (a time) or out of it (null); returns those that were not there yet. */
  setDeleted(ids: readonly string[], deletedAt: number | null): Item[] {
    const update = this.db.prepare(
      `UPDATE items SET deleted_at = ? WHERE id = ? AND deleted_at IS ${deletedAt === null ? 'NOT NULL' : 'NULL'}`,
    );
    const moved = this.db.transaction(() => ids.filter((id) => update.run(deletedAt, id).changes > 0))() as string[];
    return moved.map((id) => this.get(id));
  }

  /** Ids of the items that went into the trash before that time. */
  trashedBefore(time: number): string[] {
    return (this.db.prepare('SELECT id FROM items WHERE deleted_at < ?').all(time) as { id: string }[]).map((row) => row.id);
  }

  /** Ids of a model's items outside the trash, newest first. */
  ofModel(id: string): string[] {
    const rows = this.db
      .prepare("SELECT id FROM items WHERE deleted_at IS NULL AND json_extract(recipe, '$.model.id') = ? ORDER BY seq DESC")
      .all(id) as { id: string }[];
    return rows.map((row) => row.id);
  }

  forget(id: string): void {
    this.db.prepare('DELETE FROM items WHERE id = ?').run(id);
  }
}

function toItem(row: ItemRow): Item {
  return {
    id: row.id,
    kind: row.kind,
    createdAt: row.created_at,
    jobId: row.job_id,
    recipe: Recipe.parse(JSON.parse(row.recipe)),
    width: row.width,
    height: row.height,
    durationMs: row.duration_ms,
    deletedAt: row.deleted_at,
  };
}
