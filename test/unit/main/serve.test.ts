import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fileResponse, parseRange, resolveInside } from '../../../src/main/serve.js';

describe('resolveInside', () => {
  const root = path.resolve('/srv/studio');

  it('finds files below the root', () => {
    expect(resolveInside(root, '/static/index.js')).toBe(path.join(root, 'static', 'index.js'));
    expect(resolveInside(root, '/a%20b.png')).toBe(path.join(root, 'a b.png'));
  });

  it.each(['/..', '/../secret', '/static/..%2f..%2fsecret', '/%2e%2e/secret', '/..%5csecret', '/a%00.png', '/%zz', ''])(
    'refuses %j',
    (pathname) => {
      expect(resolveInside(root, pathname)).toBeNull();
    },
  );
});

describe('parseRange', () => {
  it.each([
    ['bytes=0-9', { start: 0, end: 9 }],
    ['bytes=90-', { start: 90, end: 99 }],
    ['bytes=90-500', { start: 90, end: 99 }],
    ['bytes=-5', { start: 95, end: 99 }],
    ['bytes=-500', { start: 0, end: 99 }],
    ['bytes=100-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=9-3', null],
    ['bytes=0-1,4-5', null],
    ['items=0-1', null],
    [null, null],
  ] as const)('reads %j of 100 bytes', (header, range) => {
    expect(parseRange(header, 100)).toEqual(range);
  });
});

describe('fileResponse', () => {
  let folder: string;
  const ask = (file: string, init?: RequestInit) =>
    fileResponse(new Request('http://studio/x', init), path.join(folder, file), { 'x-own': 'yes' });

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'resgen-serve-'));
    await writeFile(path.join(folder, 'sound.txt'), '0123456789');
    await writeFile(path.join(folder, 'empty.png'), '');
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('sends the whole file with its type, length and our headers', async () => {
    const response = await ask('sound.txt');
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('0123456789');
    expect(Object.fromEntries(response.headers)).toMatchObject({ 'content-length': '10', 'accept-ranges': 'bytes', 'x-own': 'yes' });
  });

  it('sends a part as 206, and 416 beyond the end', async () => {
    const part = await ask('sound.txt', { headers: { range: 'bytes=2-4' } });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([206, 'bytes 2-4/10', '234']);
    const beyond = await ask('sound.txt', { headers: { range: 'bytes=10-' } });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */10']);
  });

  it('sends an empty file, only the head of one, and 404 for none or a folder', async () => {
    expect(await (await ask('empty.png')).text()).toBe('');
    const head = await ask('sound.txt', { method: 'HEAD' });
    expect([head.headers.get('content-length'), await head.text()]).toEqual(['10', '']);
    expect((await ask('nothing.png')).status).toBe(404);
    expect((await ask('.')).status).toBe(404);
  });
});
