import {
  type Item,
  ItemFilter,
  type ItemSet,
  LIBRARY_LIMITS,
  type LibrarySummary,
  type Params,
  Recipe,
  type Result,
  StudioError,
  Tag,
} from '../contract/index.js';
import { setImmediate } from 'node:timers/promises';
import type { Db } from './database.js';
import { itemsMatching } from './item-query.js';

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
  favourite: number;
  tags: string;
}

/** Items whose preset is looked up between two turns of the event loop. */
const NAMED_PER_TURN = 500;

export class ItemsStore {
  constructor(
    private readonly db: Db,
    /** Name of the preset that a recipe was made with, '' for none; null while its model is not known. */
    private readonly presetOf: (recipe: Recipe) => string | null = () => null,
  ) {}

  /** `jobIndex` is the item's place in its job, which is how a job that goes on knows what it has. */
  add(item: Item, jobIndex: number | null): void {
    const { recipe } = item;
    const search = [recipe.className, recipe.source, recipe.speech?.text, recipe.model.id, recipe.seed]
      .filter((part) => part !== undefined)
      .join(' ')
      .toLowerCase();
    this.db
      .prepare(
        `INSERT INTO items (id, kind, created_at, job_id, job_index, recipe, search, width, height, duration_ms, deleted_at, favourite, tags,
           preset, voice_name)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, coalesce((SELECT name FROM voices WHERE id = ?), ''))`,
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
        Number(item.favourite),
        JSON.stringify(item.tags),
        this.presetOf(recipe),
        recipe.voice ?? null,
      );
  }

  /** Looks up the presets of items that came without, such as those of an older studio, so that a search finds them. */
  async namePresets(signal: AbortSignal): Promise<void> {
    const nextFew = this.db.prepare('SELECT seq, recipe FROM items WHERE preset IS NULL AND seq > ? ORDER BY seq LIMIT ?');
    const name = this.db.prepare('UPDATE items SET preset = ? WHERE seq = ?');
    for (let after = 0; !signal.aborted; await setImmediate()) {
      const rows = nextFew.all(after, NAMED_PER_TURN) as { seq: number; recipe: string }[];
      const last = rows.at(-1);
      if (!last) return;
      after = last.seq;
      this.db.transaction(() => {
        for (const { seq, recipe } of rows) {
          const preset = this.presetOf(Recipe.parse(JSON.parse(recipe)));
          // It stays open while the model is not here: it may come.
          if (preset !== null) name.run(preset, seq);
        }
      })();
    }
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

  /** Items of a job by their place in it, those in the trash left out. */
  ofJob(jobId: string): Map<number, Item> {
    const rows = this.db.prepare('SELECT * FROM items WHERE job_id = ? AND deleted_at IS NULL').all(jobId) as (ItemRow & {
      job_index: number;
    })[];
    return new Map(rows.map((row) => [row.job_index, toItem(row)]));
  }

  /** Takes the item out of its place in a job, so that the job makes another for it; returns its id, or null where there was none. */
  leaveJob(jobId: string, index: number): string | null {
    const row = this.db.prepare('SELECT id FROM items WHERE job_id = ? AND job_index = ?').get(jobId, index) as { id: string } | undefined;
    if (!row) return null;
    this.db.prepare('UPDATE items SET job_id = NULL, job_index = NULL WHERE id = ?').run(row.id);
    return row.id;
  }

  /** Newest first. */
  list(params: Params<'items.list'>): Result<'items.list'> {
    const matching = itemsMatching(params);
    if (!matching) return { items: [], total: 0 };
    const { text, values } = matching;
    const { limit, before } = params;
    const { total } = this.db.prepare(`SELECT count(*) AS total ${text}`).get(...values) as { total: number };
    // The index of words and the table have the same order; naming the one that is read lets SQLite take it as it comes.
    const seq = text.startsWith('FROM items_fts') ? 'items_fts.rowid' : 'items.seq';
    const page = before === null ? '' : `AND ${seq} < (SELECT seq FROM items WHERE id = ?)`;
    const rows = this.db
      .prepare(`SELECT items.* ${text} ${page} ORDER BY ${seq} DESC LIMIT ?`)
      .all(...values, ...(before === null ? [] : [before]), limit) as ItemRow[];
    return { items: rows.map(toItem), total };
  }

  summary(): LibrarySummary {
    const count = (where: string): number => (this.db.prepare(`SELECT count(*) AS n FROM items WHERE ${where}`).get() as { n: number }).n;
    const counted = (sql: string): LibrarySummary['tags'] =>
      (this.db.prepare(sql).all() as { name: string; count: number }[]).map((row) => ({ name: row.name, count: row.count }));
    return {
      items: count('deleted_at IS NULL'),
      favourites: count('favourite = 1 AND deleted_at IS NULL'),
      trash: count('deleted_at IS NOT NULL'),
      models: counted('SELECT model AS name, count(*) AS count FROM items WHERE deleted_at IS NULL GROUP BY model ORDER BY model'),
      voices: (
        this.db
          .prepare(
            `SELECT voices.id AS id, voices.name AS name, count(*) AS count FROM items CROSS JOIN voices ON voices.id = items.voice
             WHERE items.voice IS NOT NULL AND items.deleted_at IS NULL GROUP BY items.voice ORDER BY voices.name`,
          )
          .all() as { id: string; name: string; count: number }[]
      ).map(({ id, name, count: items }) => ({ id, name, count: items })),
      tags: counted(
        `SELECT tag AS name, count(*) AS count FROM item_tags CROSS JOIN items ON items.seq = item_tags.seq
         WHERE items.deleted_at IS NULL GROUP BY tag ORDER BY tag`,
      ),
    };
  }

  /** Returns those that were not so yet. */
  setFavourite(ids: readonly string[], favourite: boolean): Item[] {
    const update = this.db.prepare('UPDATE items SET favourite = ? WHERE id = ? AND favourite <> ?');
    const value = Number(favourite);
    return this.#changed(ids, (id) => update.run(value, id, value).changes > 0);
  }

  /** Returns those whose tags changed. @throws StudioError `bad-request` where an item would have too many; none is changed then */
  tag(ids: readonly string[], add: readonly string[], remove: readonly string[]): Item[] {
    const update = this.db.prepare('UPDATE items SET tags = ? WHERE id = ? AND tags <> ?');
    const gone = new Set(remove.map(folded));
    return this.#changed(ids, (id) => {
      const kept = this.get(id).tags.filter((tag) => !gone.has(folded(tag)));
      const had = new Set(kept.map(folded));
      const tags = [...kept, ...add.filter((tag) => !had.has(folded(tag)) && had.add(folded(tag)))];
      if (tags.length > LIBRARY_LIMITS.tagsPerItem) {
        throw new StudioError('bad-request', `An item has at most ${LIBRARY_LIMITS.tagsPerItem} tags. Remove some first.`);
      }
      const value = JSON.stringify(tags);
      return update.run(value, id, value).changes > 0;
    });
  }

  /** Moves items into the trash (a time) or out of it (null); returns those that were not there yet. */
  setDeleted(ids: readonly string[], deletedAt: number | null): Item[] {
    const update = this.db.prepare(
      `UPDATE items SET deleted_at = ? WHERE id = ? AND deleted_at IS ${deletedAt === null ? 'NOT NULL' : 'NULL'}`,
    );
    return this.#changed(ids, (id) => update.run(deletedAt, id).changes > 0);
  }

  /** Which of these are in the trash; all that are there for null. */
  trashed(ids: readonly string[] | null): string[] {
    const there = (this.db.prepare('SELECT id FROM items WHERE deleted_at IS NOT NULL').all() as { id: string }[]).map((row) => row.id);
    if (ids === null) return there;
    const asked = new Set(ids);
    return there.filter((id) => asked.has(id));
  }

  /** Ids of the items that went into the trash before that time. */
  trashedBefore(time: number): string[] {
    return (this.db.prepare('SELECT id FROM items WHERE deleted_at < ?').all(time) as { id: string }[]).map((row) => row.id);
  }

  /** Ids of a model's items outside the trash that belong to a set, newest first. */
  ofModel(model: string, of: ItemSet, limit = -1): string[] {
    const { search, filter } = of !== null && 'search' in of ? of : { search: '', filter: ItemFilter.parse({}) };
    const matching = itemsMatching({ kind: null, search, filter: { ...filter, place: 'library', model } });
    if (!matching) return [];
    const rows = this.db.prepare(`SELECT items.id ${matching.text} ORDER BY items.seq DESC LIMIT ?`).all(...matching.values, limit) as {
      id: string;
    }[];
    const ids = rows.map((row) => row.id);
    if (of === null || !('ids' in of)) return ids;
    const asked = new Set(of.ids);
    return ids.filter((id) => asked.has(id));
  }

  forget(id: string): void {
    this.db.prepare('DELETE FROM items WHERE id = ?').run(id);
  }

  /** Applies a change to each, all of them or none, and returns the items that it changed. */
  #changed(ids: readonly string[], change: (id: string) => boolean): Item[] {
    const changed = this.db.transaction(() => [...new Set(ids)].filter(change))() as string[];
    return changed.map((id) => this.get(id));
  }
}

/** Tags are one where they differ by case alone. */
const folded = (tag: string): string => tag.toLowerCase();

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
    favourite: row.favourite === 1,
    tags: Tag.array().parse(JSON.parse(row.tags)),
  };
}
