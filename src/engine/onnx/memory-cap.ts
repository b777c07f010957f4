import os from 'node:os';

/** Share of the machine's memory that the engine process may take: the rest of the studio and the system need some. */
const MEMORY_SHARE = 0.75;

/** Bytes that running a model may take on this machine. */
export const memoryCap = (): number => Math.floor(os.totalmem() * MEMORY_SHARE);
