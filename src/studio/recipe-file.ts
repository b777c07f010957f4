import readExif from 'exif-reader';
import type { Metadata, Sharp } from 'sharp';
import { Recipe, StudioError } from '../contract/index.js';
import { compressedFormat, readTags } from './compressed-sound.js';
import { isPng, readPngText, withPngText } from './png-text.js';
import { parseRecipeText, recipeText } from './recipe-text.js';
import { loadSharp } from './sharp.js';
import { isWav, readMarks } from './sound-marks.js';

/**
 * A recipe inside a picture, twice: as text that other programs show (PNG `parameters`, EXIF UserComment), and as our own JSON (PNG
 * `resgen`, or a property in XMP), which is what we read first.
 */
const OWN = 'resgen';
const PARAMETERS = 'parameters';
const NAMESPACE = 'urn:resgen-studio:recipe:1';

type Size = { width: number; height: number };

export function embedInPng(png: Uint8Array, recipe: Recipe, size: Size): Buffer {
  return withPngText(png, [
    { keyword: PARAMETERS, text: recipeText(recipe, size) },
    { keyword: OWN, text: JSON.stringify(recipe), utf8: true },
  ]);
}

export const stripPng = (png: Uint8Array): Buffer => withPngText(png, []);

/** For the formats of which sharp writes the metadata: JPEG and WebP. */
export function embedWithSharp(picture: Sharp, recipe: Recipe, size: Size): Sharp {
  return picture.withExif({ IFD2: { UserComment: recipeText(recipe, size) } }).withXmp(xmp(JSON.stringify(recipe)));
}

function xmp(json: string): string {
  // JSON's own escapes keep it to ASCII: XML has no form for some characters that a name may have.
  const ascii = json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const escaped = ascii.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);
  return (
    '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">' +
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" ' +
    `xmlns:${OWN}="${NAMESPACE}"><${OWN}:recipe>${escaped}</${OWN}:recipe></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>`
  );
}

const XMP_RECIPE = new RegExp(`<${OWN}:recipe>([^<]*)</${OWN}:recipe>`);

function recipeOfXmp(text: string): string | undefined {
  return XMP_RECIPE.exec(text)?.[1]?.replace(/&#(\d{1,3});/g, (_, code: string) => String.fromCharCode(Number(code)));
}

/**
 * The recipe in a PNG, JPEG or WebP file, or in a WAV, FLAC or MP3.
 * @throws StudioError `bad-file`: neither a picture nor a sound, no recipe, or one that this version can't read.
 */
export async function readRecipe(name: string, bytes: Uint8Array): Promise<Recipe> {
  const { own, parameters } = await textsOf(name, bytes);
  if (own !== undefined) return parseOwn(name, own);
  const recipe = parameters === undefined ? null : parseRecipeText(parameters);
  if (recipe) return recipe;
  if (parameters !== undefined) {
    throw new StudioError(
      'bad-file',
      `The recipe in “${name}” was not written by ResGen Studio. Use Import picture to encode it as it is.`,
    );
  }
  throw new StudioError(
    'bad-file',
    `There is no recipe in “${name}”. Choose a file that was saved here with “Write the recipe into saved files” on.`,
  );
}

interface Texts {
  own: string | undefined;
  parameters: string | undefined;
}

async function textsOf(name: string, bytes: Uint8Array): Promise<Texts> {
  if (isWav(bytes)) return { own: readMarks(bytes).own, parameters: undefined };
  if (compressedFormat(bytes)) return { own: readTags(bytes).own, parameters: undefined };
  return isPng(bytes) ? textsOfPng(bytes) : textsOfMetadata(name, bytes);
}

function textsOfPng(bytes: Uint8Array): Texts {
  const texts = readPngText(bytes);
  return { own: texts.get(OWN), parameters: texts.get(PARAMETERS) };
}

async function textsOfMetadata(name: string, bytes: Uint8Array): Promise<Texts> {
  const sharp = await loadSharp();
  let metadata: Metadata;
  try {
    metadata = await sharp(bytes).metadata();
  } catch (cause) {
    throw new StudioError('bad-file', `“${name}” is not a picture that can be read. Choose a PNG, JPEG or WebP file.`, { cause });
  }
  return { own: metadata.xmp && recipeOfXmp(metadata.xmp.toString('utf8')), parameters: metadata.exif && userComment(metadata.exif) };
}

/** EXIF's UserComment starts with eight bytes that name its encoding; A1111 writes UNICODE, sharp ASCII. */
function userComment(exif: Buffer): string | undefined {
  try {
    const { bigEndian, Photo } = readExif(exif);
    const comment: unknown = Photo?.UserComment;
    if (typeof comment === 'string') return comment;
    if (!Buffer.isBuffer(comment)) return undefined;
    const text = comment.subarray(8);
    if (!comment.toString('latin1').startsWith('UNICODE')) return text.toString('utf8');
    // A1111 (piexif) always writes it big-endian, whatever the byte order of the file; the first letter's zero byte tells.
    return text[0] === 0 || (bigEndian && text[1] !== 0) ? Buffer.from(text).swap16().toString('utf16le') : text.toString('utf16le');
  } catch {
    // Damaged metadata says nothing about a recipe.
    return undefined;
  }
}

function parseOwn(name: string, json: string): Recipe {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new StudioError('bad-file', `The recipe in “${name}” is damaged. Choose an unedited copy of the file.`, { cause });
  }
  const recipe = Recipe.safeParse(value);
  if (recipe.success) return recipe.data;
  const newer = typeof value === 'object' && value !== null && 'format' in value && typeof value.format === 'number' && value.format > 1;
  throw new StudioError(
    'bad-file',
    newer
      ? `The recipe in “${name}” was written by a newer ResGen Studio. Update this one to read it.`
      : `The recipe in “${name}” is damaged. Choose an unedited copy of the file.`,
  );
}
