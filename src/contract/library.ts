import { z } from 'zod';
import { VoiceId } from './ids.js';
import { LIMITS, numbers } from './limits.js';
import { ModelId } from './model.js';

export const LIBRARY_LIMITS = numbers(LIMITS.library);

/** A word or two that a person gives to items. Compared without regard to case. */
export const Tag = z
  .string()
  .trim()
  .min(1)
  .max(LIBRARY_LIMITS.tagLength)
  .regex(/^[^\p{Cc}]*$/u, 'must be plain text');
export type Tag = z.infer<typeof Tag>;

/** What narrows a list of items, besides words. */
export const ItemFilter = z.strictObject({
  place: z.enum(['library', 'trash']).default('library'),
  favourites: z.boolean().default(false),
  model: ModelId.nullable().default(null),
  tag: Tag.nullable().default(null),
  /** Items in that voice. */
  voice: VoiceId.nullable().default(null),
  /** Milliseconds since 1970; `from` is inside the range, `until` outside. */
  from: z.int().nullable().default(null),
  until: z.int().nullable().default(null),
});
export type ItemFilter = z.infer<typeof ItemFilter>;

const Counted = z.strictObject({ name: z.string(), count: z.int() });

/** What the library can be narrowed to. Counts leave the trash out, except its own. */
export const LibrarySummary = z.strictObject({
  items: z.int(),
  favourites: z.int(),
  trash: z.int(),
  models: z.array(Counted),
  /** Voices of which there are items, by name. */
  voices: z.array(z.strictObject({ id: VoiceId, name: z.string(), count: z.int() })),
  tags: z.array(Counted),
});
export type LibrarySummary = z.infer<typeof LibrarySummary>;
