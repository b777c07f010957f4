import { z } from 'zod';

/** What went wrong, in terms a caller can act on. The message is always a sentence for people that says what to do. */
export const ErrorCode = z.enum([
  'bad-request',
  'not-found',
  'bad-model',
  'bad-file',
  'no-consent',
  'disk-full',
  'engine-stopped',
  'cancelled',
  'refused',
  'internal',
]);
export type ErrorCode = z.infer<typeof ErrorCode>;

export const WireError = z.strictObject({ code: ErrorCode, message: z.string() });
export type WireError = z.infer<typeof WireError>;

/** The only error that crosses a process border; anything else becomes `internal` with its message. */
export class StudioError extends Error {
  override readonly name = 'StudioError';
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
  toWire(): WireError {
    return { code: this.code, message: this.message };
  }
  static from(error: unknown): StudioError {
    if (error instanceof StudioError) return error;
    if (error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')) {
      return new StudioError('disk-full', 'The disk is full. Free some space, then retry; everything finished so far is kept.', {
        cause: error,
      });
    }
    return new StudioError('internal', error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Turns a failed zod parse into one sentence: where, what was wrong. */
export function explain(error: z.ZodError): string {
  const issue = error.issues[0];
  if (!issue) return 'is not valid';
  const where = issue.path.map(String).join('.');
  return where ? `${where}: ${issue.message}` : issue.message;
}
