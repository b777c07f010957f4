import { LIMITS, numbers } from '../../contract/limits.js';

/** What inference servers are believed, and how long they are waited for. Tensors are read up to the size that the package says they have. */
export const REMOTE_LIMITS = numbers(LIMITS.remote);
