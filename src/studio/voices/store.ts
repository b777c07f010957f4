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

const SELECT = `SELECT voices.*, (SELECT count(*) FROM items WHERE voice = voices.id AND items.deleted_at IS NULL) AS items FROM voices`;

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
      this.db.prepare('UPDATE items SET deleted_at = ? WHERE voice = ? AND deleted_at IS NULL').run(at, id);
      return items;
    });
  }

  /** Brings a voice back, under that name, and the items that went with it; returns those. */
  restore({ id, deletedAt }: Voice, name: string): string[] {
    return this.#both(() => {
      this.db.prepare('UPDATE voices SET deleted_at = NULL, name = ? WHERE id = ?').run(name, id);
      const items = this.#items(id, `deleted_at = ${Number(deletedAt)}`);
      this.db.prepare('UPDATE items SET deleted_at = NULL WHERE voice = ? AND deleted_at = ?').run(id, deletedAt);
      return items;
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
    return (this.db.prepare(`SELECT id FROM items WHERE voice = ? AND ${where}`).all(voice) as { id: string }[]).map((row) => row.id);
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
