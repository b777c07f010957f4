import { createRequire } from 'node:module';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { mergeMacFeeds } from '../../../scripts/merge-mac-feeds.mjs';

const require = createRequire(import.meta.url);

interface UpdateFile {
  url: URL;
  info: { url: string; sha512: string };
}
/** What an installed studio reads the feed with. */
const { parseUpdateInfo, resolveFiles, findFile } = require('electron-updater/out/providers/Provider.js') as {
  parseUpdateInfo(text: string, channel: string, url: URL): { version: string; path: string };
  resolveFiles(info: object, base: URL): UpdateFile[];
  findFile(files: UpdateFile[], extension: string, not: string[]): UpdateFile | undefined;
};

/** As electron-builder writes one. */
function feed(arch: string, version = '0.2.0'): string {
  const name = `resgen-studio-${version}-mac-${arch}`;
  const hash = Buffer.from(arch.repeat(16)).toString('base64');
  return `version: ${version}
files:
  - url: ${name}.zip
    sha512: ${hash}
    size: 1201
  - url: ${name}.dmg
    sha512: ${hash}
    size: 1302
path: ${name}.zip
sha512: ${hash}
releaseDate: '2026-11-2${arch === 'x64' ? 6 : 5}T10:00:00.000Z'
`;
}

function folderOf(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'resgen-feeds-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

it('becomes one feed, of which the updater on each processor finds its own zip', () => {
  const folder = folderOf({ 'latest-mac-macos-arm64.yml': feed('arm64'), 'latest-mac-macos-x64.yml': feed('x64'), 'a.zip': '' });
  expect(mergeMacFeeds(folder)).toBe(true);
  expect(readdirSync(folder).sort()).toEqual(['a.zip', 'latest-mac.yml']);
  const base = new URL('https://example.org/studio/');
  const info = parseUpdateInfo(readFileSync(join(folder, 'latest-mac.yml'), 'utf8'), 'latest-mac.yml', base);
  expect(info).toMatchObject({ version: '0.2.0', path: 'resgen-studio-0.2.0-mac-x64.zip', releaseDate: '2026-11-26T10:00:00.000Z' });
  const files = resolveFiles(info, base);
  expect(files).toHaveLength(4);
  for (const arch of ['arm64', 'x64']) {
    // As MacUpdater chooses, which itself needs a running Electron.
    const own = files.filter(({ url }) => url.pathname.includes('arm64') === (arch === 'arm64'));
    const zip = findFile(own, 'zip', ['pkg', 'dmg']);
    expect(zip?.url.href).toBe(`https://example.org/studio/resgen-studio-0.2.0-mac-${arch}.zip`);
    expect(zip?.info.sha512).toBe(Buffer.from(arch.repeat(16)).toString('base64'));
  }
});

it('does nothing without a feed, and refuses half of one, two versions, and one without what updates are taken from', () => {
  const none = folderOf({});
  expect(mergeMacFeeds(none)).toBe(false);
  expect(readdirSync(none)).toEqual([]);
  expect(() => mergeMacFeeds(folderOf({ 'latest-mac-macos-x64.yml': feed('x64') }))).toThrow(/only one is in .*\. Build both targets/);
  const mixed = folderOf({ 'latest-mac-macos-arm64.yml': feed('arm64'), 'latest-mac-macos-x64.yml': feed('x64', '0.3.0') });
  expect(() => mergeMacFeeds(mixed)).toThrow(/two versions, 0\.2\.0 and 0\.3\.0/);
  expect(existsSync(join(mixed, 'latest-mac.yml'))).toBe(false);
  const empty = { 'latest-mac-macos-arm64.yml': 'version: 0.2.0\n', 'latest-mac-macos-x64.yml': feed('x64') };
  expect(() => mergeMacFeeds(folderOf(empty))).toThrow(/names no zip/);
});
