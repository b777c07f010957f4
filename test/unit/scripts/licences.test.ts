import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { collectLicences } from '../../../scripts/lib/licences.mjs';
import { Licences as Schema } from '../../../src/contract/index.js';
import { readChromiumNotices } from '../../../src/studio/chromium-notices.js';
import { Licences } from '../../../src/studio/licences.js';
import { temporaryFolder } from '../studio/support.js';

const root = resolve(import.meta.dirname, '..', '..', '..');
const all = collectLicences(root);
const libraries = all.filter(({ kind }) => kind === 'library');

/** May be handed on with a program under the MIT licence, each by what it asks for: its text, which is there. */
const PERMISSIVE = [
  'MIT',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'MPL-2.0',
  'Python-2.0',
];
/** libvips: used unchanged, as files of its own that a person can replace, which is what this licence asks for. */
const LESSER = /^@img\/sharp-/;

test('every production dependency that is installed has a licence and its text', () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
  const names = new Set(libraries.map(({ name }) => name));
  expect(Object.keys(dependencies).filter((name) => !names.has(name))).toEqual([]);
  // What dependencies bring with them counts as well.
  expect(libraries.length).toBeGreaterThan(100);
  for (const { name, licence, text } of libraries) {
    expect(licence, name).toMatch(/^\(?[A-Z0-9]/);
    expect(text.length, name).toBeGreaterThan(200);
    expect(text, name).toMatch(/permi|licen[cs]e|redistribut/i);
  }
});

test('none of them is under the GPL, or any licence that this program could not be handed on with', () => {
  for (const { name, licence } of libraries) {
    const ids = licence.replaceAll(/[()]/g, '').split(/ (?:AND|OR) /);
    const others = ids.filter((id) => !PERMISSIVE.includes(id) && !(id === 'LGPL-3.0-or-later' && LESSER.test(name)));
    expect(others, name).toEqual([]);
  }
});

test('what is under the LGPL names its libraries and brings the whole text, with the GPL that it refers to', () => {
  const lesser = libraries.filter(({ licence }) => licence.includes('LGPL'));
  expect(lesser.length).toBeGreaterThan(0);
  for (const { text } of lesser) {
    for (const part of ['| libvips ', 'GNU LESSER GENERAL PUBLIC LICENSE', 'GNU GENERAL PUBLIC LICENSE', 'github.com/lovell/sharp-libvips'])
      expect(text).toContain(part);
  }
});

test('models that ship say whose data they were trained on; the studio and Electron are in the list', () => {
  const fruits = all.find(({ name }) => name === 'fruits');
  expect(fruits?.text).toContain('Fruits-360 is Copyright (c) 2017-2019');
  for (const { kind, name, text } of all) if (kind === 'model') expect(text, name).not.toBe('');
  expect(all.map(({ name }) => name)).toEqual(expect.arrayContaining(['ResGen Studio', 'electron', 'svelte']));
  expect(new Set(all.map(({ name, version }) => `${name} ${version}`)).size).toBe(all.length);
});

test('the studio lists them and gives each text, or says that its build has none', async () => {
  const file = join(temporaryFolder(), 'licences.json');
  writeFileSync(file, JSON.stringify(Schema.parse(all)));
  const licences = new Licences(file);
  const parts = await licences.list();
  expect(parts).toHaveLength(all.length);
  const zod = parts.find(({ name }) => name === 'zod');
  expect(await licences.text('zod', zod?.version ?? '')).toContain('MIT');
  await expect(licences.text('zod', '0.0.0')).rejects.toThrow('is no part of this studio');
  await expect(new Licences(null).list()).rejects.toThrow('The list of licences is missing');
  await expect(new Licences(join(file, '..', 'none.json')).list()).rejects.toThrow('The list of licences is missing');
});

test("the notices of Chromium's parts are in the list of a host that runs on it, each with its text", async () => {
  const folder = temporaryFolder();
  const product = (title: string, text: string): string =>
    `<div class="product">\n<span class="title">${title}</span>\n<span class="homepage"><a href="https://example.org/?a=1&amp;b">homepage</a></span>\n` +
    `<div class="license">\n<pre>${text}</pre>\n</div>\n</div>\n`;
  const html = `<title>Credits</title>${product('zlib &amp; more', 'Copyright &lt;J. Gailly&gt;')}${product('Skia', 'BSD')}${product('Skia', 'MIT')}`;
  expect(readChromiumNotices(html)).toEqual([
    { name: 'zlib & more', text: 'https://example.org/?a=1&b\n\nCopyright <J. Gailly>' },
    { name: 'Skia', text: 'https://example.org/?a=1&b\n\nBSD\n\nhttps://example.org/?a=1&b\n\nMIT' },
  ]);
  expect(readChromiumNotices('no such page')).toEqual([]);

  const [file, notices] = [join(folder, 'licences.json'), join(folder, 'LICENSES.chromium.html')];
  writeFileSync(file, JSON.stringify(all));
  const licences = new Licences(file, { file: notices, version: '130.0' });
  expect(await licences.list()).toHaveLength(all.length);
  writeFileSync(notices, html);
  expect((await licences.list()).slice(all.length).map(({ name }) => name)).toEqual(['Chromium: zlib & more', 'Chromium: Skia']);
  expect(await licences.text('Chromium: zlib & more', '130.0')).toContain('Copyright <J. Gailly>');
});
