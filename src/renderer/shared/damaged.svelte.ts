import { SvelteSet } from 'svelte/reactivity';
import { assets } from '../../contract/index.js';

/** Stands where a picture would be. */
export const DAMAGED = 'Its picture file is damaged or missing. Restore it from a backup, or delete the item.';

/** Items whose picture can't be shown, so that a place says so instead of showing it broken. */
export const damaged = new SvelteSet<string>();

/** For a picture that the browser could not show. One that did not come because the studio is away is no damage. */
export async function noteDamaged(item: string): Promise<void> {
  const reply = await fetch(assets.thumbnail(item)).catch(() => null);
  if (reply && (reply.ok || reply.status === 404)) damaged.add(item);
}
