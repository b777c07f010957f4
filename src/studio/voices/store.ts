import { StudioError, type Voice } from '../../contract/index.js';
import type { Db } from '../database.js';

interface VoiceRow {
  id: string;
  name: string;
  created_at: number;
  seconds: number;
  source: string;
  consent: string;
  consent_at: number;
  items: number;
  deleted_at: number | null;
}

/** Of an item: whether that voice is in it, as its first or another one. Ids are of one length, so none is a part of another. */
function madeWith(id: string): string {
  return `(items.voice = ${id} OR (items.other_voices IS NOT NULL AND instr(items.other_voices, ${id}) > 0))`;
}

const SELECT = `SELECT voices.*, (SELECT count(*) FROM items WHERE ${madeWith('voices.id')} AND items.deleted_at IS NULL) AS items FROM voices`;

/** The rows of voices. */
export class VoicesStore {
  constructor(private readonly db: Db) {}

  add({ id, name, createdAt, seconds, source, consent }: Omit<Voice, 'items' | 'deletedAt'>): void {
    this.db
      .prepare('INSERT INTO voices (id, name, created_at, seconds, source, consent, consent_at) VALUES (?, ?, ?, ?, ?, ?, ?)')
      .run(id, name, createdAt, seconds, source, consent.sentence, consent.at);
  }

  /** @throws StudioError `not-found` */
  get(id: string): Voice {
    const row = this.db.prepare(`${SELECT} WHERE id = ?`).get(id) as VoiceRow | undefined;
    if (!row) throw new StudioError('not-found', 'There is no such voice; it may have been deleted. Look at the list of voices.');
    return toVoice(row);
  }

  has(id: string): boolean {
    return this.db.prepare('SELECT 1 FROM voices WHERE id = ?').get(id) !== undefined;
  }

  /** Newest first, those in the trash too. */
  list(): Voice[] {
    return (this.db.prepare(`${SELECT} ORDER BY seq DESC`).all() as VoiceRow[]).map(toVoice);
  }

  rename(id: string, name: string): void {
    this.db.prepare('UPDATE voices SET name = ? WHERE id = ?').run(name, id);
  }

  /** Moves a voice and its items into the trash at one moment, by which they are known to belong together. Returns the items. */
  remove(id: string, at: number): string[] {
    return this.#both(() => {
      this.db.prepare('UPDATE voices SET deleted_at = ? WHERE id = ?').run(at, id);
      const items = this.#items(id, 'deleted_at IS NULL');
      for (const item of items) this.#setDeleted(item, at);
      return items;
    });
  }

  /**
   * Brings a voice back, under that name, and the items that went with it; returns those. An item in which there is another voice that is in the trash
   * stays there until that one comes back.
   */
  restore({ id, deletedAt }: Voice, name: string): string[] {
    return this.#both(() => {
      this.db.prepare('UPDATE voices SET deleted_at = NULL, name = ? WHERE id = ?').run(name, id);
      const items = this.#items(id, `deleted_at = ${Number(deletedAt)}`);
      const gone = this.db.prepare(
        `SELECT max(voices.deleted_at) AS at FROM voices, items WHERE items.id = ? AND ${madeWith('voices.id')}`,
      );
      return items.filter((item) => {
        const { at } = gone.get(item) as { at: number | null };
        this.#setDeleted(item, at);
        return at === null;
      });
    });
  }

  /** Items of a voice that are in the trash. */
  trashedItems(id: string): string[] {
    return this.#items(id, 'deleted_at IS NOT NULL');
  }

  forget(id: string): void {
    this.db.prepare('DELETE FROM voices WHERE id = ?').run(id);
  }

  #items(voice: string, where: string): string[] {
    const rows = this.db.prepare(`SELECT id FROM items WHERE ${madeWith('@voice')} AND ${where}`).all({ voice });
    return (rows as { id: string }[]).map((row) => row.id);
  }

  #setDeleted(item: string, at: number | null): void {
    this.db.prepare('UPDATE items SET deleted_at = ? WHERE id = ?').run(at, item);
  }

  #both(change: () => string[]): string[] {
    return this.db.transaction(change)() as string[];
  }
}

function toVoice(row: VoiceRow): Voice {
  return {
    id: row.id,
    name: row.name,
    createdAt: row.created_at,
    seconds: row.seconds,
    source: row.source,
    consent: { sentence: row.consent, at: row.consent_at },
    items: row.items,
    deletedAt: row.deleted_at,
  };
}
