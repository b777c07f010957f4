import { z } from 'zod';

export const UPLOAD_BYTES = 64 << 20;

/** Contents of a file that a person drops or chooses. */
export const Upload = z.instanceof(Uint8Array).refine((b) => b.byteLength <= UPLOAD_BYTES, 'must be at most 64 MiB');
export const FileName = z.string().min(1).max(255);

/** A file the studio made for the person to save; `url` is fetched from the same origin as the renderer. */
export const ExportedFile = z.strictObject({ name: z.string(), url: z.string(), bytes: z.int() });
export type ExportedFile = z.infer<typeof ExportedFile>;
