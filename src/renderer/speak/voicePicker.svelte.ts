import type { Voice } from '../../contract/index.js';
import { fuzzyFilter } from '../shared/fuzzy.js';

/** So many are seen at once; a search among fewer finds nothing that is not in sight. */
const SEARCHED_FROM = 7;

/** The list of voices of which one is chosen: what is typed, and what is left of the list. */
export class VoicePicker {
  query = $state('');

  /** @param voices those that may be chosen, newest first */
  constructor(private readonly voices: () => readonly Voice[]) {}

  get searches(): boolean {
    return this.voices().length >= SEARCHED_FROM;
  }

  /** Best match first while something is typed. */
  get rows(): readonly Voice[] {
    const voices = this.voices();
    if (!this.searches || this.query.trim() === '') return voices;
    const byName = new Map(voices.map((voice) => [voice.name, voice]));
    return fuzzyFilter([...byName.keys()], this.query).flatMap((name) => byName.get(name) ?? []);
  }

  /** The voice that a key moves to from the chosen one; the ends meet. Null where the list is empty. */
  next(chosen: string | null, by: 1 | -1): string | null {
    const { rows } = this;
    const at = rows.findIndex(({ id }) => id === chosen);
    const to = at < 0 ? (by > 0 ? 0 : rows.length - 1) : (at + by + rows.length) % rows.length;
    return rows[to]?.id ?? null;
  }
}
