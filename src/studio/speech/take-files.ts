import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Recipe, toPcm } from '../../contract/index.js';
import { writeWhole } from '../files.js';
import { Recent } from '../recent.js';
import { markedHead } from '../sound-marks.js';
import { LONGEST_OVERLAP } from './joins.js';

/** A take as it is laid out, of which any stretch can be made. Places are in samples. */
export interface LaidOutTake {
  sampleRate: number;
  length: number;
  parts: readonly TakePart[];
}

export interface TakePart {
  /** Of what it is made: another one sounds otherwise. */
  item: string;
  start: number;
  /** Adds its sound to a stretch of the take that begins at `origin`. */
  mix(stretch: Float32Array, origin: number): Promise<void>;
}

/** What a file has in it. */
interface Written {
  parts: readonly Pick<TakePart, 'item' | 'start'>[];
  /** Digest of the recipe that it is marked with. */
  marks: string;
  sampleRate: number;
  length: number;
  /** Its last samples before they were rounded: the next sentence may begin in them. */
  tail: Float32Array;
}

/** Bytes that a sentence in a file is reckoned as. */
const PART_BYTES = 100;
const KEPT_BYTES = 4 << 20;

/**
 * Takes as files. A take that gets longer is not written anew for each of its sentences: what has come is appended, and what was there before
 * stays. All else, such as a sentence that was said again, makes a new file in place of the old one.
 */
export class TakeFiles {
  readonly #written = new Recent<Written>(KEPT_BYTES);
  /** Two that ask at once would append the same sentence twice. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly folder: string) {}

  /**
   * Brings the file up to date.
   * @returns its path
   */
  file(name: string, take: LaidOutTake, recipe: Recipe | null): Promise<string> {
    const done = this.#turn.then(() => this.#bring(name, take, recipe));
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #bring(name: string, take: LaidOutTake, recipe: Recipe | null): Promise<string> {
    const file = join(this.folder, name);
    const marks = createHash('sha256').update(JSON.stringify(recipe)).digest('base64');
    const known = this.#written.get(name);
    const isThere = known !== undefined && (await stat(file).catch(() => null)) !== null;
    const before = isThere && known.marks === marks && known.sampleRate === take.sampleRate && goesOn(known, take) ? known : null;
    const added = take.parts.slice(before?.parts.length ?? 0);
    const end = before?.length ?? 0;
    if (before && added.length === 0 && take.length === end) return file;

    const origin = Math.min(end, added[0]?.start ?? end);
    const stretch = new Float32Array(take.length - origin);
    if (before && origin < end) stretch.set(before.tail.subarray(before.tail.length - (end - origin)));
    for (const part of added) await part.mix(stretch, origin);
    const head = markedHead(take.length, take.sampleRate, recipe);
    // What half a writing leaves is no beginning of the next.
    this.#written.delete(name);
    if (before) await append(file, head, head.length + origin * 2, toPcm(stretch));
    else await writeWhole(file, Buffer.concat([head, toPcm(stretch)]));
    const parts = take.parts.map(({ item, start }) => ({ item, start }));
    const tail = stretch.slice(-Math.round(LONGEST_OVERLAP * take.sampleRate));
    const { sampleRate, length } = take;
    this.#written.set(name, { parts, marks, sampleRate, length, tail }, parts.length * PART_BYTES + marks.length * 2 + tail.byteLength);
    return file;
  }
}

/** Whether a take begins with all that is written, as it is written. */
function goesOn({ parts, length, tail }: Written, take: LaidOutTake): boolean {
  const next = take.parts[parts.length]?.start ?? length;
  return (
    take.length >= length &&
    length - next <= tail.length &&
    parts.every(({ item, start }, n) => take.parts[n]?.item === item && take.parts[n].start === start)
  );
}

/** The sizes in the head come last: who reads meanwhile finds a whole file, of before or of now. */
async function append(file: string, head: Uint8Array, place: number, samples: Uint8Array): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.write(samples, 0, samples.length, place);
    await handle.write(head, 0, head.length, 0);
  } finally {
    await handle.close();
  }
}
