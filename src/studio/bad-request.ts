import type { z } from 'zod';
import { StudioError } from '../contract/index.js';

/** The first thing that is wrong with a call's parameters, as a sentence. */
export function badRequest(error: z.ZodError): StudioError {
  const issue = error.issues[0];
  const where = issue?.path.map(String).join('.') || 'The request';
  const what = issue ? describe(issue) : 'is not valid';
  return new StudioError('bad-request', `${where[0]?.toUpperCase()}${where.slice(1)} ${what}. Change it and try again.`);
}

const COUNTED: Readonly<Record<string, string>> = { string: 'characters', array: 'entries', set: 'entries', file: 'bytes' };

function describe(issue: z.core.$ZodIssue): string {
  const number = (n: number | bigint): string => n.toLocaleString('en');
  switch (issue.code) {
    case 'too_small':
      return `must ${amount('at least', issue.origin, number(issue.minimum), issue.inclusive ?? true)}`;
    case 'too_big':
      return `must ${amount('at most', issue.origin, number(issue.maximum), issue.inclusive ?? true)}`;
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : `must be ${article(issue.expected)}`;
    case 'unrecognized_keys':
      return `has something the studio does not know: ${issue.keys.join(', ')}`;
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`;
    case 'custom':
    case 'invalid_element':
    case 'invalid_format':
    case 'invalid_key':
    case 'invalid_union':
    case 'not_multiple_of':
      return issue.message;
  }
}

function amount(bound: 'at least' | 'at most', origin: string, limit: string, inclusive: boolean): string {
  const unit = COUNTED[origin];
  if (unit) return `have ${bound} ${limit} ${unit}`;
  if (inclusive) return `be ${bound} ${limit}`;
  return `be ${bound === 'at least' ? 'more' : 'less'} than ${limit}`;
}

const article = (type: string): string =>
  `${/^[aeio]/.test(type) ? 'an' : 'a'} ${type === 'int' ? 'whole number' : type}`.replace('an whole', 'a whole');
