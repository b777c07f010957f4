import { fuzzyFilter } from '../../shared/fuzzy.js';

const RECENT_SHOWN = 6;

/** The list under the search field: what is shown, in which order, and which row the keyboard is on. */
export class ClassPicker {
  query = $state('');
  names = $state.raw<readonly string[]>([]);
  /** Classes by last use, newest first. */
  recent = $state.raw<readonly string[]>([]);
  active = $state(-1);

  /** Classes used last, while nothing is typed. */
  readonly recentRows = $derived.by(() => {
    if (this.query.trim() !== '') return [];
    const known = new Set(this.names);
    return this.recent.filter((name) => known.has(name)).slice(0, RECENT_SHOWN);
  });

  readonly otherRows = $derived.by(() => {
    const recent = new Set(this.recentRows);
    return fuzzyFilter(this.names, this.query).filter((name) => !recent.has(name));
  });

  /** Every row, top to bottom. */
  readonly rows = $derived([...this.recentRows, ...this.otherRows]);

  get activeName(): string | null {
    return this.rows[this.active] ?? null;
  }

  search(query: string): void {
    this.query = query;
    // Enter should take the best match without an arrow key first.
    this.active = query.trim() === '' ? -1 : 0;
  }

  /** Moves the active row; the ends meet for single steps. */
  move(by: number): void {
    const last = this.rows.length - 1;
    if (last < 0) return;
    if (this.active < 0) this.active = by > 0 ? 0 : last;
    else if (by === 1 && this.active === last) this.active = 0;
    else if (by === -1 && this.active === 0) this.active = last;
    else this.active = Math.min(last, Math.max(0, this.active + by));
  }

  /** Moves `names` to the top of the recent classes. */
  used(names: readonly string[]): void {
    this.recent = [...new Set([...names, ...this.recent])];
  }
}
