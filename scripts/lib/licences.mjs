import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

/**
 * Licences of everything that is handed on with the studio: libraries as they are installed now, and the models that ship. Part of every
 * build, so that what is shown is what is in it.
 *
 * @typedef {{ kind: 'studio' | 'library' | 'model', name: string, version: string, licence: string, text: string }} Licence
 */

/** Development dependencies that the build takes into its own files, or that run it. */
const BUNDLED = ['electron', 'svelte', 'clsx', 'esm-env'];

/** Packages that come without their licence's text, with the file in `resources/licences` or the package of the same project that has it. */
const TEXTS = /** @type {[RegExp, string][]} */ ([
  [/^onnxruntime-/, 'resources/licences/onnxruntime.txt'],
  [/^abstract-logging$/, 'resources/licences/abstract-logging.txt'],
  [/^fft\.js$/, 'resources/licences/fft.js.txt'],
  [/^lazy-val$/, 'resources/licences/lazy-val.txt'],
  [/^(opus-decoder|@wasm-audio-decoders\/common)$/, 'resources/licences/opus-decoder.txt'],
  [/^@libsql\//, 'node_modules/libsql/LICENSE'],
]);
const LGPL = 'resources/licences/lgpl-3.0.txt';

const TEXT_FILE = /^(licen[cs]e|copying|notice|copyright)/i;

const KINDS = ['studio', 'model', 'library'];

/** @param {string} root the folder of package.json @returns {Licence[]} by kind and name */
export function collectLicences(root) {
  const libraries = shippedPackages(root).map((folder) => libraryLicence(root, folder));
  // The same version may be installed in several places.
  const unique = new Map(
    [studioLicence(root), ...libraries, ...modelLicences(root)].map((entry) => [`${entry.name} ${entry.version}`, entry]),
  );
  return [...unique.values()].sort(
    (a, b) =>
      KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || a.name.localeCompare(b.name, 'en') || a.version.localeCompare(b.version, 'en'),
  );
}

/** Folders below the root, of production dependencies that are installed on this platform. @param {string} root */
function shippedPackages(root) {
  const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
  return Object.keys(packages).filter((folder) => {
    if (folder === '' || !existsSync(path.join(root, folder, 'package.json'))) return false;
    const { dev, devOptional } = packages[folder];
    return BUNDLED.some((name) => folder === `node_modules/${name}`) || !(dev || devOptional);
  });
}

/** @param {string} root @param {string} folder @returns {Licence} */
function libraryLicence(root, folder) {
  const place = path.join(root, folder);
  const { name, version, license } = JSON.parse(readFileSync(path.join(place, 'package.json'), 'utf8'));
  const own = readdirSync(place)
    .filter((file) => TEXT_FILE.test(file))
    .sort();
  const texts = own.map((file) => path.join(place, file));
  const given = TEXTS.find(([pattern]) => pattern.test(name));
  if (texts.length === 0 && given) texts.push(path.join(root, given[1]));
  if (/LGPL/.test(license)) {
    // Names the libraries inside of it, with the licence of each.
    texts.unshift(path.join(place, 'README.md'));
    texts.push(path.join(root, LGPL));
  }
  return { kind: 'library', name, version, licence: String(license ?? ''), text: texts.map(readText).join('\n\n') };
}

/** @param {string} root @returns {Licence} */
function studioLicence(root) {
  const { version, license } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  return { kind: 'studio', name: 'ResGen Studio', version, licence: license, text: readText(path.join(root, 'LICENSE')) };
}

/** A model's card has its licence and that of the data which it was trained on. @param {string} root @returns {Licence[]} */
function modelLicences(root) {
  const models = path.join(root, 'resources', 'models');
  return readdirSync(models)
    .filter((folder) => existsSync(path.join(models, folder, 'model.json')))
    .map((folder) => {
      const { id, version, licence } = JSON.parse(readFileSync(path.join(models, folder, 'model.json'), 'utf8'));
      const card = readText(path.join(models, folder, 'card.md'));
      const [, section = ''] = /^## Licence\n([^]*?)(?=^## |$(?![^]))/m.exec(card) ?? [];
      return { kind: 'model', name: id, version, licence, text: section.trim() };
    });
}

/** @param {string} file */
function readText(file) {
  return readFileSync(file, 'utf8').replaceAll('\r\n', '\n').trim();
}

/** Writes them beside the built main process. @param {string} root @returns {import('vite').Plugin} */
export function licencesPlugin(root) {
  return {
    name: 'licences',
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'licences.json', source: JSON.stringify(collectLicences(root)) });
    },
  };
}
