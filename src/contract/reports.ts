import { z } from 'zod';
import { LIMITS } from './limits.js';

/** Names a report by the moment it was written, as a file can be named on every system. */
export const ReportName = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z$/, 'must be the name of a report');

/** A report of an error that nobody foresaw. It stays in the data folder; the person reads it and sends it, or not. */
export const CrashReport = z.strictObject({
  name: ReportName,
  at: z.int(),
  /** What happened, as a sentence. */
  title: z.string(),
  /** False once it was dismissed. */
  isNew: z.boolean(),
});
export type CrashReport = z.infer<typeof CrashReport>;

/** An error of the page, which only the page sees. What is longer is cut off there. */
export const PageError = z.strictObject({
  message: z.string().max(LIMITS.reports.limits.pageError.value),
  stack: z.string().max(LIMITS.reports.limits.pageError.value),
});

export const reportCalls = {
  /** Newest first. */
  'reports.list': { params: z.null(), result: z.array(CrashReport) },
  'reports.read': { params: z.strictObject({ name: ReportName }), result: z.strictObject({ text: z.string() }) },
  /** Offers none of them again. The files stay. */
  'reports.dismiss': { params: z.null(), result: z.null() },
  /** Opens their folder in the system's file manager; refused where the studio is not on the person's own screen. */
  'reports.openFolder': { params: z.null(), result: z.null() },
  'reports.addPageError': { params: PageError, result: z.null() },
} as const satisfies Record<string, { params: z.ZodType; result: z.ZodType }>;
