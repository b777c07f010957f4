import { type Recipe, type Sound, toWav } from '../contract/index.js';

/**
 * What a sound says of itself wherever it goes: that a machine made it, always, and how, unless the person wants that left out. In WAV: a
 * comment in the INFO list, which other programs show, and the recipe as our own JSON in a chunk of its own, which others skip.
 */
export const SYNTHETIC = 'Synthetic: made by a machine with ResGen Studio, and not recorded from a person.';

const OWN = 'rsgn';
const LIST = 'LIST';
const RIFF_HEADER = 12;
const CHUNK_HEADER = 8;

/** 16-bit WAV with its marks behind the samples. */
export function markedWav(sound: Sound, recipe: Recipe | null): Uint8Array<ArrayBuffer> {
  return withMarks(toWav(sound.samples, sound.sampleRate), recipe);
}

/** The same WAV with these marks in place of those that it had. */
export function withMarks(wav: Uint8Array, recipe: Recipe | null): Uint8Array<ArrayBuffer> {
  const kept = [...chunksOf(wav)].filter(({ id }) => id !== OWN && id !== LIST).map(({ id, body }) => chunk(id, body));
  const body = Buffer.concat([Buffer.from('WAVE'), ...kept, ...marks(recipe)]);
  return new Uint8Array(chunk('RIFF', body));
}

/**
 * The beginning of a 16-bit WAV that is going to grow: everything up to its samples, of which there are `length`. The marks come first here, so
 * that the file has them however much of it there is.
 */
export function markedHead(length: number, sampleRate: number, recipe: Recipe | null): Uint8Array<ArrayBuffer> {
  const [format] = chunksOf(toWav(new Float32Array(0), sampleRate));
  const before = [...(format ? [chunk(format.id, format.body)] : []), ...marks(recipe)];
  const samples = Buffer.alloc(CHUNK_HEADER);
  samples.write('data', 'latin1');
  samples.writeUInt32LE(length * 2, 4);
  const body = Buffer.concat([Buffer.from('WAVE'), ...before, samples]);
  const whole = new Uint8Array(chunk('RIFF', body));
  new DataView(whole.buffer).setUint32(4, whole.length - CHUNK_HEADER + length * 2, true);
  return whole;
}

function marks(recipe: Recipe | null): Buffer[] {
  const info = Buffer.concat([
    Buffer.from('INFO'),
    chunk('ISFT', zeroEnded(recipe ? `ResGen Studio ${recipe.studio}` : 'ResGen Studio')),
    chunk('ICMT', zeroEnded(SYNTHETIC)),
  ]);
  return [chunk(LIST, info), ...(recipe ? [chunk(OWN, Buffer.from(JSON.stringify(recipe)))] : [])];
}

export function isWav(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.subarray(0, RIFF_HEADER)).toString('latin1');
  return text.startsWith('RIFF') && text.endsWith('WAVE');
}

/** What a WAV says of itself; a damaged file says as much as can be read. */
export function readMarks(wav: Uint8Array): { synthetic: boolean; own: string | undefined } {
  const chunks = [...chunksOf(wav)];
  const own = chunks.find(({ id }) => id === OWN);
  return {
    synthetic: chunks.some(({ id, body }) => id === LIST && Buffer.from(body).includes(SYNTHETIC)),
    own: own && new TextDecoder().decode(own.body),
  };
}

function* chunksOf(wav: Uint8Array): Generator<{ id: string; body: Uint8Array }> {
  const view = new DataView(wav.buffer, wav.byteOffset, wav.byteLength);
  // Chunks begin at even places.
  for (let place = RIFF_HEADER, size = 0; place + CHUNK_HEADER <= wav.length; place += CHUNK_HEADER + size + (size % 2)) {
    size = view.getUint32(place + 4, true);
    const from = place + CHUNK_HEADER;
    yield { id: String.fromCharCode(...wav.subarray(place, place + 4)), body: wav.subarray(from, from + size) };
  }
}

function chunk(id: string, body: Uint8Array): Buffer {
  const head = Buffer.alloc(CHUNK_HEADER);
  head.write(id, 'latin1');
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body, Buffer.alloc(body.length % 2)]);
}

const zeroEnded = (text: string): Buffer => Buffer.from(`${text}\0`);
