import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fill, pageActions } from '../../../bench/library.js';
import { openDatabase } from '../../../src/studio/database.js';
import { ItemsStore } from '../../../src/studio/items-store.js';
import { temporaryFolder } from './support.js';

/** How long these take on 100,000 items, `node bench/library.mjs` says: a machine's mood decides over milliseconds, not over plans. */
test('whatever the library asks for is found by an index, or in the order of rows up to a limit', () => {
  const db = openDatabase(join(temporaryFolder(), 'library.db'), '0.1.0');
  const ids = fill(db, 1000);
  const prepare = db.prepare.bind(db);
  const asked = new Set<string>();
  db.prepare = ((sql: string) => {
    asked.add(sql);
    return prepare(sql);
  }) as typeof db.prepare;

  const actions = Object.entries(pageActions(new ItemsStore(db), ids));
  expect(actions.length).toBeGreaterThan(10);
  for (const [name, action] of actions) {
    asked.clear();
    action();
    expect(asked.size, name).toBeGreaterThan(0);
    for (const sql of asked) {
      const plan = (prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[]).map(({ detail }) => detail);
      if (!/ORDER BY items\.seq DESC\s+LIMIT \?/.test(sql)) expect(plan, `${name}: ${sql}`).not.toContain('SCAN items');
      if (name !== 'byDate' && name !== 'summary') expect(plan, `${name}: ${sql}`).not.toContain('USE TEMP B-TREE FOR ORDER BY');
    }
  }
});
