import { StudioError } from '../contract/index.js';
import { databaseError } from './database.js';

/** Any error as one with a code and a sentence, also those of the database. */
export const toStudioError = (error: unknown): StudioError => StudioError.from(databaseError(error));
