/** `node bench/library.mjs [items] [rounds]`: list, search and open on a large library, each beside the plainer way. Prints JSON. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { bundled, cache, printReport } from './lib.mjs';

const [items = 100_000, rounds = 7] = process.argv.slice(2).map(Number);
const { libraryOf } = await bundled('library.ts');
mkdirSync(cache, { recursive: true });
printReport(libraryOf(path.join(cache, 'library.db'), { items, rounds }));
