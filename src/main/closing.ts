import type { Studio } from '../studio/index.js';

export type Unfinished = ReturnType<Studio['unfinished']>;

/** What a person is asked who closes the window while something is being made; null where nothing is. */
export function closingQuestion({ jobs, edits }: Unfinished): { message: string; detail: string } | null {
  if (jobs === 0 && edits === 0) return null;
  const kept = 'Everything finished so far is kept';
  const lost = `${edits > 1 ? 'The edits' : 'The edit'} in the inspector would have to be made again.`;
  return {
    message: 'Something is still being made. Close all the same?',
    detail: [jobs > 0 ? `${kept}, and the rest goes on when you open the studio again.` : `${kept}.`, ...(edits > 0 ? [lost] : [])].join(
      ' ',
    ),
  };
}
