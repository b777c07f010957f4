/**
 * What the test Electron runs first: `electron [-r module]... [switches] <app> [arguments]`, the part of Electron's own command line
 * that Playwright and electron-vite use. Runs inside Electron, packed into its resources by `test-electron.mjs`.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { app } from 'electron';

const require = createRequire(import.meta.url);
const preloads = [];
let target;
for (let i = 1; i < process.argv.length && target === undefined; i++) {
  const argument = process.argv[i];
  if (argument === '-r' || argument === '--require') preloads.push(process.argv[++i]);
  else if (!argument.startsWith('-')) target = path.resolve(argument);
}

if (target === undefined || !existsSync(target)) {
  console.error('usage: electron [-r module] <app>');
  app.exit(2);
} else {
  for (const preload of preloads) require(preload);
  await start(target);
}

async function start(file) {
  // Tells an app that `argv[1]` is its own path, as under Electron's own entry.
  process.defaultApp = true;
  const folder = statSync(file).isDirectory() ? file : path.dirname(file);
  const manifest = path.join(folder, 'package.json');
  if (existsSync(manifest)) {
    const { name, productName, version, main } = JSON.parse(readFileSync(manifest, 'utf8'));
    if (version) app.setVersion(version);
    app.setName(productName ?? name);
    app.setAppPath(folder);
    if (folder === file) file = path.join(folder, main ?? 'index.js');
  }
  await import(pathToFileURL(file).href);
}
