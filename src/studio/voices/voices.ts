import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StudioError, VOICE_LIMITS, VOICE_RATE, type Voice, VoiceFile, VoiceId, fromWav, toWav } from '../../contract/index.js';
import { PARTIAL, writeFolder, writeWhole } from '../files.js';
import { newId } from '../ids.js';
import { TRASH_MS, type Library } from '../library.js';
import type { VoicesStore } from './store.js';

export const voiceFiles = { clip: 'clip.wav', facts: 'voice.json' } as const;

/** The files of a voice: the clip as WAV, and `VoiceFile` as JSON. */
export interface VoiceFiles {
  clip: Buffer;
  facts: Buffer;
}

/** Voices on disk: a folder each, with the clip and what is known of it, and a row in the database that is written after it. */
export class Voices {
  readonly #folder: string;

  constructor(
    dataFolder: string,
    private readonly store: VoicesStore,
    private readonly library: Library,
  ) {
    this.#folder = join(dataFolder, 'voices');
    mkdirSync(this.#folder, { recursive: true });
  }

  /** As `Library.tidy`, which at the same time clears away the items that went into the trash with a voice. */
  tidy(): void {
    const known = new Set<string>();
    for (const { id, deletedAt } of this.store.list()) {
      known.add(id);
      if (deletedAt === null || deletedAt > Date.now() - TRASH_MS) continue;
      rmSync(join(this.#folder, id), { recursive: true, force: true });
      this.store.forget(id);
    }
    for (const name of readdirSync(this.#folder).sort()) {
      if (name.startsWith(PARTIAL)) rmSync(join(this.#folder, name), { recursive: true, force: true });
      else if (VoiceId.safeParse(name).success && !known.has(name)) this.#adopt(name);
    }
  }

  /** Takes in a whole voice that the database does not know, so that losing the database loses no voice. */
  #adopt(id: string): void {
    try {
      const facts = VoiceFile.parse(JSON.parse(readFileSync(this.path(id, voiceFiles.facts), 'utf8')));
      const { samples } = fromWav(readFileSync(this.path(id, voiceFiles.clip)));
      const { createdAt, source, consent } = facts;
      this.store.add({ id, name: this.#freeName(facts.name), createdAt, source, consent, seconds: samples.length / VOICE_RATE });
    } catch {
      // Not a voice after all, or a damaged one: it stays where it is for the person to look at.
    }
  }

  path(id: string, file: (typeof voiceFiles)[keyof typeof voiceFiles]): string {
    return join(this.#folder, id, file);
  }

  /**
   * @param samples mono at `VOICE_RATE`
   * @throws StudioError `no-consent`, or `bad-request` for a name that is taken
   */
  async add({ name, source, samples, consent }: { name: string; source: string; samples: Float32Array; consent: string }): Promise<Voice> {
    this.#assertFree(name, null);
    const now = Date.now();
    const facts: VoiceFile = { format: 1, name, createdAt: now, source, consent: { sentence: assertConsent(consent), at: now } };
    return this.#keep(newId(), facts, toWav(samples, VOICE_RATE), samples.length / VOICE_RATE);
  }

  /**
   * A voice that another library lends, under its own id, by which recipes name it. What it may be used for is decided there: `files` asks.
   * @throws StudioError `no-consent`, or `bad-request` for a name that is taken
   */
  async borrow(id: string, { clip, facts }: VoiceFiles): Promise<Voice> {
    const known = VoiceFile.parse(JSON.parse(facts.toString('utf8')));
    this.#assertFree(known.name, null);
    assertConsent(known.consent.sentence);
    return this.#keep(id, known, clip, fromWav(clip).samples.length / VOICE_RATE);
  }

  async #keep(id: string, facts: VoiceFile, clip: Uint8Array, seconds: number): Promise<Voice> {
    const { name, createdAt, source, consent } = facts;
    const folder = join(this.#folder, id);
    await writeFolder(folder, { [voiceFiles.clip]: clip, [voiceFiles.facts]: toJson(facts) });
    try {
      this.store.add({ id, name, createdAt, source, consent, seconds });
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
    return this.store.get(id);
  }

  /** @throws StudioError `bad-request` for a name that is taken */
  async rename(id: string, name: string): Promise<Voice> {
    const voice = this.store.get(id);
    this.#assertFree(name, id);
    await this.#writeFacts(voice, name);
    this.store.rename(id, name);
    return this.store.get(id);
  }

  /** Returns the items that went along. */
  remove(id: string): string[] {
    return this.store.get(id).deletedAt === null ? this.store.remove(id, Date.now()) : [];
  }

  /** Under another name where its own was given to another voice meanwhile. Returns the items that came along. */
  async restore(id: string): Promise<string[]> {
    const voice = this.store.get(id);
    if (voice.deletedAt === null) return [];
    const name = this.#freeName(voice.name);
    if (name !== voice.name) await this.#writeFacts(voice, name);
    return this.store.restore(voice, name);
  }

  /** Out of the trash for good. Marked as half-made before the row goes, as `Library.purge` does. */
  async purge(id: string): Promise<void> {
    if (this.store.get(id).deletedAt === null) throw new StudioError('bad-request', 'This voice is not in the trash. Delete it first.');
    const items = this.store.trashedItems(id);
    if (items.length > 0) await this.library.purge(items);
    const gone = join(this.#folder, PARTIAL + id);
    await rename(join(this.#folder, id), gone).catch((error: unknown) => {
      // Taken away by hand, or by a purge that did not end.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    });
    this.store.forget(id);
    await rm(gone, { recursive: true, force: true });
  }

  /**
   * The clip of a voice that may be used, as the WAV that is kept: whatever speaks with a voice gets it here.
   * @throws StudioError `no-consent`, `not-found` for one in the trash, `bad-file` where the file has been taken away
   */
  async clip(id: string): Promise<Buffer> {
    this.assertUsable(id);
    return this.#read(id, voiceFiles.clip);
  }

  /** Before a voice speaks. @throws StudioError `no-consent`, or `not-found` for a voice that is gone or in the trash */
  assertUsable(id: string): void {
    const { name, deletedAt, consent } = this.store.get(id);
    assertConsent(consent.sentence);
    if (deletedAt !== null) throw new StudioError('not-found', `The voice “${name}” is in the trash. Restore it first.`);
  }

  /** Before something is heard that was made in a voice, maybe elsewhere. @throws StudioError as `assertUsable`, but `no-consent` for one that is not kept here */
  assertHeard(id: string): void {
    if (this.store.has(id)) return this.assertUsable(id);
    const why = 'This is in a voice that is not kept here, so nothing says that the person agreed to be heard.';
    throw new StudioError('no-consent', `${why} Open it in the studio that keeps the voice, or restore that studio's backup here.`);
  }

  /** Clip and consent, as they are kept. @throws StudioError as `clip` does */
  async files(id: string): Promise<VoiceFiles> {
    return { clip: await this.clip(id), facts: await this.#read(id, voiceFiles.facts) };
  }

  async #read(id: string, file: (typeof voiceFiles)[keyof typeof voiceFiles]): Promise<Buffer> {
    try {
      return await readFile(this.path(id, file));
    } catch (cause) {
      const why = `The file ${file} of a voice is missing from ${join(this.#folder, id)}.`;
      throw new StudioError('bad-file', `${why} Restore it from a copy, or delete the voice.`, { cause });
    }
  }

  async #writeFacts({ id, createdAt, source, consent }: Voice, name: string): Promise<void> {
    await writeWhole(this.path(id, voiceFiles.facts), toJson({ format: 1, name, createdAt, source, consent }));
  }

  #taken(except: string | null): Set<string> {
    return new Set(this.store.list().flatMap((voice) => (voice.deletedAt === null && voice.id !== except ? [folded(voice.name)] : [])));
  }

  #assertFree(name: string, except: string | null): void {
    if (this.#taken(except).has(folded(name)))
      throw new StudioError('bad-request', `There is a voice “${name}” already. Choose another name.`);
  }

  #freeName(name: string): string {
    const taken = this.#taken(null);
    let free = name;
    for (let n = 2; taken.has(folded(free)); n++) free = `${name.slice(0, VOICE_LIMITS.name - 5)} ${n}`;
    return free;
  }
}

/** Names are one where they differ by case alone. */
const folded = (name: string): string => name.toLowerCase();

const toJson = (facts: VoiceFile): Buffer => Buffer.from(`${JSON.stringify(facts, null, 2)}\n`);

const LEAST_WORDS = 3;

/**
 * The one rule of what counts as consent: a sentence of somebody's, not a box that was ticked.
 * @returns the sentence
 * @throws StudioError `no-consent`
 */
function assertConsent(sentence: string): string {
  if (sentence.trim().split(/\s+/).length >= LEAST_WORDS) return sentence.trim();
  const example = 'I am the speaker in this clip and agree that my voice is used';
  throw new StudioError(
    'no-consent',
    `A voice may be used only with the consent of the person who speaks. Give it as a sentence, like “${example}”.`,
  );
}
