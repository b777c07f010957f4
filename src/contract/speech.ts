import { z } from 'zod';
import { ExportedFile } from './files.js';
import { JobId } from './ids.js';
import { LIMITS, numbers } from './limits.js';
import { Item, Job, SpeechJob, SpeechRequest } from './records.js';
import { Seed } from './sampling.js';

/** Calls of speech. A take is a job of kind `speech`: a text, said sentence by sentence. */

export const SPEECH_LIMITS = numbers(LIMITS.speech);

/** WAV and FLAC hold the same samples; MP3 is smaller still. */
export const SoundFormat = z.enum(['wav', 'flac', 'mp3']);
export type SoundFormat = z.infer<typeof SoundFormat>;

/** What a text is said as. It is kept with its job: words and rules may change, and what was planned by them is gone on with. */
export const SpeechPlan = z.strictObject({
  /** Seconds of silence that the text begins with. */
  lead: z.number().min(0),
  sentences: z.array(
    z.strictObject({
      text: z.string(),
      phones: z.array(z.string()),
      /** Seconds of silence after it; after the last only where some is written. */
      gap: z.number().min(0),
    }),
  ),
});
export type SpeechPlan = z.infer<typeof SpeechPlan>;
export type PlannedSentence = SpeechPlan['sentences'][number];

/** A sentence of a take, or the silence that somebody wrote between two. */
export const TakeSentence = z.strictObject({
  /** Place in the job; a pause has none of its own. */
  index: z.int().min(0),
  text: z.string(),
  /** Silence after it in seconds, as the take is played. */
  gap: z.number().min(0),
  /** Null until it is made, or once it is in the trash. */
  item: Item.nullable(),
  /** Where it starts in the sound of the take and how long it is, in seconds, once it is made; null also where its file is damaged. */
  start: z.number().nullable(),
  seconds: z.number().nullable(),
  /** Silence that its sound begins with and the take leaves out, in seconds: the item's times count from there. */
  skipped: z.number().nullable(),
});
export type TakeSentence = z.infer<typeof TakeSentence>;

export const Take = z.strictObject({
  job: SpeechJob,
  sentences: z.array(TakeSentence),
  /** Of the whole, as far as it is made; 0 before the first sentence. */
  seconds: z.number(),
});
export type Take = z.infer<typeof Take>;

const OneTake = z.strictObject({ job: JobId });

export const speechCalls = {
  /** What a text comes to before it is said: its sentences, and about how long they take, or a sentence that says why it can't be said. */
  'speech.plan': {
    params: SpeechRequest.pick({ model: true, text: true, speed: true }),
    result: z.strictObject({
      sentences: z.array(z.strictObject({ text: z.string(), phones: z.array(z.string()) })),
      /** Of sound. An estimate from the number of phones: the model itself is asked later. */
      seconds: z.number(),
    }),
  },
  'speech.say': { params: SpeechRequest, result: Job },
  'speech.take': { params: OneTake, result: Take },
  /** Says one sentence of a take again, with another seed; the one that was there goes to the trash. */
  'speech.again': { params: z.strictObject({ job: JobId, index: z.int().min(0), seed: Seed }), result: Job },
  /**
   * The whole take as one file, or one sentence of it: marked as synthetic, with the recipe unless settings say otherwise. `recipe` false leaves it
   * out in any case.
   */
  'speech.export': {
    params: z.strictObject({ job: JobId, index: z.int().min(0).nullable(), format: SoundFormat, recipe: z.boolean().default(true) }),
    result: ExportedFile,
  },
} as const;
