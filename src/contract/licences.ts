import { z } from 'zod';

/** Something that comes with the studio and its licence. */
export const Part = z.strictObject({
  kind: z.enum(['studio', 'library', 'model']),
  name: z.string(),
  version: z.string(),
  /** Its short name, an SPDX expression where it is a library's. */
  licence: z.string(),
});
export type Part = z.infer<typeof Part>;

/** `licences.json` of a build. */
export const Licences = z.array(Part.extend({ text: z.string() }));

export const licenceCalls = {
  'licences.list': { params: z.null(), result: z.array(Part) },
  'licences.read': {
    params: z.strictObject({ name: z.string().max(214), version: z.string().max(256) }),
    result: z.strictObject({ text: z.string() }),
  },
} as const satisfies Record<string, { params: z.ZodType; result: z.ZodType }>;
