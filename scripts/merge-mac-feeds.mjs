/**
 * `node scripts/merge-mac-feeds.mjs FOLDER`: makes the `latest-mac.yml` that electron-updater reads of the two that electron-builder wrote on a
 * machine of each processor, both named so. An updater takes the files of its own processor, and finds none where one has overwritten the other.
 * Where there are no such files, because no feed is set, nothing is done.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { messageOf } from './lib/project.mjs';

/**
 * @typedef {{ version: string, files: { url: string, sha512: string, size: number }[], path: string, sha512: string, releaseDate: string }} Feed
 */

/** As the workflow names them. */
const NAMES = { arm64: 'latest-mac-macos-arm64.yml', x64: 'latest-mac-macos-x64.yml' };

/** @param {string} folder @returns {boolean} whether there was anything to merge */
export function mergeMacFeeds(folder) {
  const [arm64, x64] = [path.join(folder, NAMES.arm64), path.join(folder, NAMES.x64)];
  const there = [arm64, x64].filter((file) => existsSync(file));
  if (there.length === 0) return false;
  if (there.length === 1) throw new Error(`Of ${NAMES.arm64} and ${NAMES.x64} only one is in ${folder}. Build both targets, then merge.`);
  const [first, second] = [read(arm64), read(x64)];
  if (first.version !== second.version)
    throw new Error(`The feeds are of two versions, ${first.version} and ${second.version}. Build both of one commit.`);
  // What stands beside the list is for old updaters; as of both in one build it is x64's, which Rosetta runs too.
  const merged = { ...second, files: [...first.files, ...second.files], releaseDate: later(first.releaseDate, second.releaseDate) };
  // The updater reads YAML 1.1, where a date without quotes is no text.
  writeFileSync(path.join(folder, 'latest-mac.yml'), stringify(merged, { lineWidth: 0, version: '1.1' }));
  rmSync(arm64);
  rmSync(x64);
  return true;
}

/** @param {string} file @returns {Feed} */
function read(file) {
  /** @type {Feed} */
  const feed = parse(readFileSync(file, 'utf8'));
  if (!feed.files?.some(({ url }) => url.endsWith('.zip')))
    throw new Error(`${file} names no zip, which updates are taken from. Build it again.`);
  return feed;
}

/** @param {string} a @param {string} b */
function later(a, b) {
  return Date.parse(a) > Date.parse(b) ? a : b;
}

if (process.argv[1] === import.meta.filename) {
  try {
    const [folder] = process.argv.slice(2);
    if (folder === undefined) throw new Error('Name the folder with the feeds: node scripts/merge-mac-feeds.mjs FOLDER.');
    console.log(mergeMacFeeds(folder) ? 'Made latest-mac.yml of both processors.' : 'No feed is set: there is nothing to merge.');
  } catch (error) {
    console.error(messageOf(error));
    process.exitCode = 1;
  }
}
