import { StudioError } from '../contract/index.js';
import { databaseError } from './database.js';

/** Any error as one with a code and a sentence, also those of the database and of files. */
export const toStudioError = (error: unknown): StudioError => StudioError.from(fileError(databaseError(error)));

const NOT_WRITABLE = new Set(['EROFS', 'EACCES', 'EPERM']);

/** The system's refusal to write as a sentence; other errors pass unchanged. */
function fileError(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string' || !NOT_WRITABLE.has(error.code)) return error;
  const place = 'path' in error && typeof error.path === 'string' ? error.path : 'The data folder';
  return new StudioError(
    'refused',
    `${place} can't be written to (${error.code}). Check the folder's permissions and its disk, then retry.`,
    {
      cause: error,
    },
  );
}
