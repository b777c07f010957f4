import { ImageRequest, type Job, JobState, SpeechRequest, StudioError } from '../contract/index.js';
import type { Db } from './database.js';
import { newId } from './ids.js';

interface JobRow {
  id: string;
  kind: string;
  request: string;
  state: string;
  created_at: number;
  started_at: number | null;
  ended_at: number | null;
  done: number;
  total: number;
  error: string | null;
  place: number;
}

/** Fields of a job that change during its life. */
type JobChange = Partial<Pick<Job, 'state' | 'startedAt' | 'endedAt' | 'done' | 'error'>>;

const COLUMNS = { state: 'state', startedAt: 'started_at', endedAt: 'ended_at', done: 'done', error: 'error' } as const satisfies Record<
  keyof JobChange,
  string
>;

export class JobsStore {
  constructor(private readonly db: Db) {}

  /** @param plan what the job is to go by whenever it runs, as JSON; null where its request is enough */
  add({ kind, request }: Pick<Job, 'kind' | 'request'>, total: number, plan: unknown = null): Job {
    const id = newId();
    this.db.transaction(() => {
      this.db
        .prepare(
          `INSERT INTO jobs (id, kind, request, state, created_at, done, total, place)
           VALUES (?, ?, ?, 'queued', ?, 0, ?, (SELECT coalesce(max(place), 0) + 1 FROM jobs))`,
        )
        .run(id, kind, JSON.stringify(request), Date.now(), total);
      if (plan !== null) this.setPlan(id, plan);
    })();
    return this.get(id);
  }

  /** What `add` or `setPlan` was given, or null. */
  plan(id: string): unknown {
    const row = this.db.prepare('SELECT plan FROM plans WHERE job = ?').get(id) as { plan: string } | undefined;
    return row ? JSON.parse(row.plan) : null;
  }

  setPlan(id: string, plan: unknown): void {
    this.db.prepare('INSERT OR REPLACE INTO plans (job, plan) VALUES (?, ?)').run(id, JSON.stringify(plan));
  }

  /** @throws StudioError `not-found` */
  get(id: string): Job {
    const row = this.db.prepare('SELECT * FROM jobs WHERE id = ?').get(id) as JobRow | undefined;
    if (!row) throw new StudioError('not-found', 'There is no such job. Reload the list of jobs.');
    return toJob(row);
  }

  /** The newest thousand and what runs, newest first. */
  list(): Job[] {
    const newest = 'SELECT id FROM jobs ORDER BY seq DESC LIMIT 1000';
    const rows = this.db.prepare(`SELECT * FROM jobs WHERE state = 'running' OR id IN (${newest}) ORDER BY seq DESC`).all();
    return (rows as JobRow[]).map(toJob);
  }

  /** The first in the queue. */
  next(): Job | null {
    const row = this.db.prepare("SELECT * FROM jobs WHERE state = 'queued' ORDER BY place LIMIT 1").get() as JobRow | undefined;
    return row ? toJob(row) : null;
  }

  /** Jobs that are waiting or paused, in the order of the queue. */
  waiting(): Job[] {
    return (this.db.prepare("SELECT * FROM jobs WHERE state IN ('queued', 'paused') ORDER BY place").all() as JobRow[]).map(toJob);
  }

  /** Gives the waiting jobs the places that they have among them in this order; returns those that moved. */
  order(ids: readonly string[]): Job[] {
    const waiting = this.waiting();
    const placeOf = new Map(waiting.map((job) => [job.id, job.place]));
    const places = waiting.map((job) => job.place);
    const update = this.db.prepare('UPDATE jobs SET place = ? WHERE id = ?');
    const moved = ids.filter((id, i) => placeOf.get(id) !== places[i]);
    this.db.transaction(() => {
      for (const [i, id] of ids.entries()) if (places[i] !== undefined) update.run(places[i], id);
    })();
    return moved.map((id) => this.get(id));
  }

  /** Forgets jobs that have ended; returns which. */
  remove(ids: readonly string[]): string[] {
    const remove = this.db.prepare("DELETE FROM jobs WHERE id = ? AND state IN ('done', 'failed', 'cancelled')");
    const removePlan = this.db.prepare('DELETE FROM plans WHERE job = ?');
    return this.db.transaction(() => {
      const removed = ids.filter((id) => remove.run(id).changes > 0);
      for (const id of removed) removePlan.run(id);
      return removed;
    })() as string[];
  }

  /** Puts jobs that were running when the studio ended back into the queue. */
  requeue(): void {
    this.db.prepare("UPDATE jobs SET state = 'queued' WHERE state = 'running'").run();
  }

  setRequest(id: string, request: Job['request']): void {
    this.db.prepare('UPDATE jobs SET request = ? WHERE id = ?').run(JSON.stringify(request), id);
  }

  update(id: string, change: JobChange): Job {
    const entries = Object.entries(change) as [keyof JobChange, string | number | null][];
    const assignments = entries.map(([key]) => `${COLUMNS[key]} = ?`).join(', ');
    this.db.prepare(`UPDATE jobs SET ${assignments} WHERE id = ?`).run(...entries.map(([, value]) => value), id);
    return this.get(id);
  }
}

function toJob(row: JobRow): Job {
  const request: unknown = JSON.parse(row.request);
  const fields = {
    id: row.id,
    state: JobState.parse(row.state),
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    done: row.done,
    total: row.total,
    error: row.error,
    place: row.place,
  };
  return row.kind === 'speech'
    ? { ...fields, kind: 'speech', request: SpeechRequest.parse(request) }
    : { ...fields, kind: 'image', request: ImageRequest.parse(request) };
}
