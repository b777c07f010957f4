import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { closeDatabase, openDatabase } from '../src/studio/database.js';
import { DATABASE } from '../src/studio/good-copy.js';
import { itemFiles } from '../src/studio/library.js';
import { fill } from './library.js';

/**
 * Makes a data folder with a library of that many items. The newest `pictures` of them have a thumbnail on the disk, all links to the one given.
 * @param folder empty
 * @param thumbnail bytes of a WebP file
 */
export function makeLibrary(folder: string, items: number, pictures: number, thumbnail: Uint8Array): void {
  const db = openDatabase(join(folder, DATABASE), '0.1.0');
  try {
    const ids = fill(db, items);
    const file = join(folder, 'thumbnail.webp');
    writeFileSync(file, thumbnail);
    for (const id of ids.slice(-pictures)) {
      const of = join(folder, 'items', id);
      mkdirSync(of, { recursive: true });
      linkSync(file, join(of, itemFiles.thumbnail));
    }
  } finally {
    closeDatabase(db);
  }
}
