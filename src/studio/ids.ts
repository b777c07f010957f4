import { randomInt } from 'node:crypto';

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

/** A new id of items, jobs and exports: nine characters of time, so that folders sort by age, then twelve at random (62 bits). */
export function newId(now = Date.now()): string {
  let id = now.toString(36).padStart(9, '0');
  for (let i = 0; i < 12; i++) id += ALPHABET.charAt(randomInt(ALPHABET.length));
  return id;
}
