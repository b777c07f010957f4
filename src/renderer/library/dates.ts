import type { ItemFilter } from '../../contract/index.js';

/** A date field's text (`2026-11-24`) as the start of that day here, or null where it has none. */
export function startOfDay(text: string): number | null {
  const [year, month, day] = text.split('-').map(Number);
  if (year === undefined || month === undefined || day === undefined) return null;
  const time = new Date(year, month - 1, day).getTime();
  return Number.isFinite(time) ? time : null;
}

/** The days from one date field to the other, both of them inside; an empty field leaves its side open. */
export function daysBetween(first: string, last: string): Pick<ItemFilter, 'from' | 'until'> {
  const end = startOfDay(last);
  if (end === null) return { from: startOfDay(first), until: null };
  const next = new Date(end);
  // By the calendar: a day is not always 24 hours.
  next.setDate(next.getDate() + 1);
  return { from: startOfDay(first), until: next.getTime() };
}
