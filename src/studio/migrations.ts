import { StudioError } from '../contract/index.js';
import type { Db } from './database.js';

/** Entry i takes a database from `user_version` i to i + 1. Entries are never changed once released, only added. */
const MIGRATIONS = [
  // 0.1.0
  `
  CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    request TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    done INTEGER NOT NULL,
    total INTEGER NOT NULL,
    error TEXT
  );
  CREATE TABLE items (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    job_id TEXT,
    job_index INTEGER,
    recipe TEXT NOT NULL,
    search TEXT NOT NULL,
    width INTEGER,
    height INTEGER,
    duration_ms REAL,
    deleted_at INTEGER
  );
  CREATE UNIQUE INDEX items_of_job ON items (job_id, job_index) WHERE job_id IS NOT NULL;
  CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
  CREATE TABLE class_use (model TEXT NOT NULL, class TEXT NOT NULL, used_at INTEGER NOT NULL, PRIMARY KEY (model, class));
  `,
  // Order of the queue; favourites, tags (a JSON array) and full-text search. Every index ends in seq, which is the order of lists.
  `
  ALTER TABLE jobs ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
  UPDATE jobs SET place = seq;
  CREATE INDEX jobs_by_state ON jobs (state, place);

  ALTER TABLE items ADD COLUMN favourite INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE items ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
  ALTER TABLE items ADD COLUMN model TEXT GENERATED ALWAYS AS (recipe ->> '$.model.id') VIRTUAL;
  CREATE INDEX items_live ON items (kind) WHERE deleted_at IS NULL;
  CREATE INDEX items_by_model ON items (model) WHERE deleted_at IS NULL;
  CREATE INDEX items_by_time ON items (created_at) WHERE deleted_at IS NULL;
  CREATE INDEX items_favourite ON items (favourite) WHERE favourite = 1;
  CREATE INDEX items_trashed ON items (deleted_at) WHERE deleted_at IS NOT NULL;

  CREATE TABLE item_tags (tag TEXT NOT NULL COLLATE NOCASE, seq INTEGER NOT NULL, PRIMARY KEY (tag, seq)) WITHOUT ROWID;
  CREATE INDEX tags_of_item ON item_tags (seq);

  CREATE VIRTUAL TABLE items_fts USING fts5 (
    search, tags, content = 'items', content_rowid = 'seq', tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3'
  );
  INSERT INTO items_fts (items_fts) VALUES ('rebuild');
  CREATE TRIGGER items_added AFTER INSERT ON items BEGIN
    INSERT INTO items_fts (rowid, search, tags) VALUES (new.seq, new.search, new.tags);
    INSERT OR IGNORE INTO item_tags (tag, seq) SELECT value, new.seq FROM json_each(new.tags);
  END;
  CREATE TRIGGER items_gone AFTER DELETE ON items BEGIN
    INSERT INTO items_fts (items_fts, rowid, search, tags) VALUES ('delete', old.seq, old.search, old.tags);
    DELETE FROM item_tags WHERE seq = old.seq;
  END;
  CREATE TRIGGER items_described AFTER UPDATE OF search, tags ON items BEGIN
    INSERT INTO items_fts (items_fts, rowid, search, tags) VALUES ('delete', old.seq, old.search, old.tags);
    INSERT INTO items_fts (rowid, search, tags) VALUES (new.seq, new.search, new.tags);
    DELETE FROM item_tags WHERE seq = old.seq;
    INSERT OR IGNORE INTO item_tags (tag, seq) SELECT value, new.seq FROM json_each(new.tags);
  END;

  CREATE TABLE schema_versions (version INTEGER PRIMARY KEY, studio TEXT NOT NULL, at INTEGER NOT NULL);
  `,
  // Voices, and which items were made with one.
  `
  CREATE TABLE voices (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    seconds REAL NOT NULL,
    source TEXT NOT NULL,
    consent TEXT NOT NULL,
    consent_at INTEGER NOT NULL,
    deleted_at INTEGER
  );
  ALTER TABLE items ADD COLUMN voice TEXT GENERATED ALWAYS AS (recipe ->> '$.voice') VIRTUAL;
  CREATE INDEX items_by_voice ON items (voice) WHERE voice IS NOT NULL;
  `,
  // The person's own dictionary.
  'CREATE TABLE dictionary (word TEXT PRIMARY KEY, said TEXT NOT NULL) WITHOUT ROWID;',
  // Texts that are said are jobs too, of another kind than pictures.
  "ALTER TABLE jobs ADD COLUMN kind TEXT NOT NULL DEFAULT 'image';",
  // What a text is said as, kept from the moment it was asked for. Apart from the jobs, which are listed a thousand at a time.
  'CREATE TABLE plans (job TEXT PRIMARY KEY, plan TEXT NOT NULL) WITHOUT ROWID;',
  // Search finds the preset (null until somebody has looked it up in the model) and the voice by its name, which follows the voice.
  `
  ALTER TABLE items ADD COLUMN preset TEXT;
  ALTER TABLE items ADD COLUMN voice_name TEXT NOT NULL DEFAULT '';
  CREATE INDEX items_live_by_voice ON items (voice) WHERE deleted_at IS NULL AND voice IS NOT NULL;
  CREATE INDEX items_without_preset ON items (model) WHERE preset IS NULL;

  DROP TRIGGER items_added;
  DROP TRIGGER items_gone;
  DROP TRIGGER items_described;
  DROP TABLE items_fts;
  UPDATE items SET voice_name = coalesce((SELECT name FROM voices WHERE voices.id = items.voice), '') WHERE voice IS NOT NULL;
  CREATE VIRTUAL TABLE items_fts USING fts5 (
    search, tags, preset, voice_name, content = 'items', content_rowid = 'seq', tokenize = 'unicode61 remove_diacritics 2',
    prefix = '1 2 3'
  );
  INSERT INTO items_fts (items_fts) VALUES ('rebuild');
  CREATE TRIGGER items_added AFTER INSERT ON items BEGIN
    INSERT INTO items_fts (rowid, search, tags, preset, voice_name)
      VALUES (new.seq, new.search, new.tags, new.preset, new.voice_name);
    INSERT OR IGNORE INTO item_tags (tag, seq) SELECT value, new.seq FROM json_each(new.tags);
  END;
  CREATE TRIGGER items_gone AFTER DELETE ON items BEGIN
    INSERT INTO items_fts (items_fts, rowid, search, tags, preset, voice_name)
      VALUES ('delete', old.seq, old.search, old.tags, old.preset, old.voice_name);
    DELETE FROM item_tags WHERE seq = old.seq;
  END;
  CREATE TRIGGER items_described AFTER UPDATE OF search, tags, preset, voice_name ON items BEGIN
    INSERT INTO items_fts (items_fts, rowid, search, tags, preset, voice_name)
      VALUES ('delete', old.seq, old.search, old.tags, old.preset, old.voice_name);
    INSERT INTO items_fts (rowid, search, tags, preset, voice_name)
      VALUES (new.seq, new.search, new.tags, new.preset, new.voice_name);
  END;
  CREATE TRIGGER items_tagged AFTER UPDATE OF tags ON items BEGIN
    DELETE FROM item_tags WHERE seq = old.seq;
    INSERT OR IGNORE INTO item_tags (tag, seq) SELECT value, new.seq FROM json_each(new.tags);
  END;
  CREATE TRIGGER voice_kept AFTER INSERT ON voices BEGIN
    UPDATE items SET voice_name = new.name WHERE voice = new.id;
  END;
  CREATE TRIGGER voice_renamed AFTER UPDATE OF name ON voices BEGIN
    UPDATE items SET voice_name = new.name WHERE voice = new.id;
  END;
  `,
  // Voices that are in an item besides its first: what was swapped or blended goes with each of them.
  `
  ALTER TABLE items ADD COLUMN other_voices TEXT GENERATED ALWAYS AS (recipe ->> '$.otherVoices') VIRTUAL;
  CREATE INDEX items_by_other_voices ON items (other_voices) WHERE other_voices IS NOT NULL;
  `,
];

/** The schema that this build writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** The first schema with `schema_versions`, which tells the studio that brought each version. */
const FIRST_WITH_HISTORY = 2;

export function schemaVersion(db: Db): number {
  return (db.prepare('SELECT user_version AS version FROM pragma_user_version').get() as { version: number }).version;
}

/**
 * Brings the schema up to date, all of it or nothing.
 * @param studio version of the running studio, kept beside each step
 * @throws StudioError `refused` where a newer studio wrote the database: there is no way back
 */
export function migrate(db: Db, file: string, studio: string): void {
  // In WAL mode it is the first write that takes the exclusive lock.
  db.exec('BEGIN EXCLUSIVE');
  try {
    const from = schemaVersion(db);
    if (from > SCHEMA_VERSION) throw newer(db, file);
    for (const migration of MIGRATIONS.slice(from)) db.exec(migration);
    const remember = db.prepare('INSERT INTO schema_versions (version, studio, at) VALUES (?, ?, ?)');
    for (let version = Math.max(from + 1, FIRST_WITH_HISTORY); version <= SCHEMA_VERSION; version++)
      remember.run(version, studio, Date.now());
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    db.exec('COMMIT');
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}

function newer(db: Db, file: string): StudioError {
  const writer = writerOf(db);
  const by = writer === null ? 'a newer ResGen Studio' : `a newer ResGen Studio (${writer})`;
  return new StudioError('refused', `The library ${file} was written by ${by}. Update this one, or choose another data folder.`);
}

function writerOf(db: Db): string | null {
  try {
    const row = db.prepare('SELECT studio FROM schema_versions ORDER BY version DESC LIMIT 1').get() as { studio: string } | undefined;
    return row?.studio ?? null;
  } catch {
    // A far newer one may keep this elsewhere.
    return null;
  }
}
