import { z } from 'zod';
import { LIMITS, limitClause, numbers } from './limits.js';

export const FILE_LIMITS = numbers(LIMITS.files);

/** Contents of a file that a person drops or chooses. */
export const Upload = z
  .instanceof(Uint8Array)
  .refine((b) => b.byteLength <= FILE_LIMITS.uploadBytes, `is too large: ${limitClause(LIMITS.files.limits.uploadBytes)}`);
export const FileName = z.string().min(1).max(FILE_LIMITS.fileName);

/** A file the studio made for the person to save; `url` is fetched from the same origin as the renderer. */
export const ExportedFile = z.strictObject({ name: z.string(), url: z.string(), bytes: z.int() });
export type ExportedFile = z.infer<typeof ExportedFile>;
