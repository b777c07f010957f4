import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { assets } from '../../../src/contract/index.js';
import { PYTHON, pythonReadsTokens } from '../../python.js';
import { openStudio, request, temporaryFolder } from './support.js';

const PAGE = resolve(import.meta.dirname, '..', '..', '..', 'docs', 'inspector.md');

/** The Python example of the page. */
function example(): string {
  const [, code = ''] = /```python\n(.*?)```/s.exec(readFileSync(PAGE, 'utf8')) ?? [];
  return code;
}

describe.runIf(pythonReadsTokens())('token files and Python', () => {
  it('understand each other both ways, by the example of the documentation', async () => {
    const { studio, ask, ended } = openStudio();
    const job = await ask('jobs.create', request({ count: 1 }));
    await ended(job.id);
    const { items } = await ask('items.list', { limit: 1, before: null, kind: null, search: '' });
    const id = items[0]?.id ?? '';
    const folder = temporaryFolder();
    for (const format of ['safetensors', 'npy'] as const) {
      const { url } = await ask('tokens.export', { id, format });
      const { file = '' } = (await studio.asset(url)) ?? {};
      writeFileSync(join(folder, `tokens.${format}`), readFileSync(file));
    }

    const said = execFileSync(PYTHON, ['-c', example()], { cwd: folder, encoding: 'utf8' });
    expect(said).toBe('(4, 3) int32 fake generate\nnpy has the same codes: True\n');

    const { file: tokens = '' } = (await studio.asset(assets.tokens(id))) ?? {};
    expect(tokens).not.toBe('');
    const { codes } = await ask('tokens.get', { id });
    const expected = new Int32Array(codes.slice().buffer).map((code, n) => (n % 3 === 2 ? 0 : code));
    for (const [name, model] of [
      ['changed.safetensors', null],
      ['changed.npy', 'fake'],
    ] as const) {
      const item = await ask('tokens.import', { name, bytes: new Uint8Array(readFileSync(join(folder, name))), model });
      const imported = await ask('tokens.get', { id: item.id });
      expect(new Int32Array(imported.codes.slice().buffer)).toEqual(expected);
    }
  });
});
