import { z } from 'zod';
import { EngineStatus } from './calls.js';
import { DictionaryEntry } from './dictionary.js';
import { EditRunId, ItemId, JobId } from './ids.js';
import { Item, Job, Settings } from './records.js';
import { CrashReport } from './reports.js';
import { Voice } from './voices.js';

/** What the studio says of its own accord to every connected client. */
export const events = {
  job: Job,
  jobsRemoved: z.array(JobId),
  /** After each sampling step of a batch; previews come at most 10 times a second. */
  progress: z.strictObject({
    jobId: JobId,
    /** Index within the job of each picture of the batch, parallel to `previews`. */
    indices: z.array(z.int()),
    step: z.int(),
    steps: z.int(),
    /** Tokens still masked in the first picture of the batch, of `tokens` in all. */
    masked: z.int(),
    tokens: z.int(),
    /** Picture files, WebP or JPEG, decoded from the tokens revealed so far, or empty when this step has none. */
    previews: z.array(z.instanceof(Uint8Array)),
    /** Masked depths k_i of every position of each picture of the batch. */
    k: z.array(z.instanceof(Uint8Array)),
    /** Estimate for the whole job, once one step has been timed. */
    secondsLeft: z.number().nullable(),
  }),
  /** After each sampling step of an edit that was given a run. */
  edit: z.strictObject({ run: EditRunId, step: z.int(), steps: z.int() }),
  itemAdded: Item,
  itemsRemoved: z.array(ItemId),
  /** Favourite or tags of items changed. */
  itemsChanged: z.array(Item),
  /** All voices as they are now, after one was added, changed or removed. */
  voices: z.array(Voice),
  /** The whole dictionary, after a change. */
  dictionary: z.array(DictionaryEntry),
  engine: EngineStatus,
  settings: Settings,
  reportAdded: CrashReport,
  reportsDismissed: z.null(),
} as const;

export type EventName = keyof typeof events;
export type EventPayload<N extends EventName> = z.infer<(typeof events)[N]>;
export type StudioEvent = { [N in EventName]: { name: N; payload: EventPayload<N> } }[EventName];
