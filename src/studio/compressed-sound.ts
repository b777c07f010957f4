import type { MetadataTags } from 'mediabunny';
import { type Recipe, type Sound, type SoundFormat, StudioError, toWav } from '../contract/index.js';
import { SYNTHETIC } from './sound-marks.js';

/**
 * Sounds as FLAC, which keeps every sample of the WAV, and as MP3, which anything plays. Both say what a WAV says of itself: a comment, and the recipe as our own
 * JSON, in FLAC as a Vorbis comment, in MP3 as a text of its own in ID3.
 */
export type CompressedFormat = Exclude<SoundFormat, 'wav'>;

const OWN = { flac: 'RESGEN', mp3: 'resgen' } as const;
const WAV_HEADER = 44;
/** Transparent for one voice at any rate that is spoken at. */
const MP3_BITS_PER_SECOND = 96_000;
/** Of MPEG 1, 2 and 2.5. */
const MP3_RATES = [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];

let registered = false;

/** Three megabytes that nobody needs before the first sound is saved so. */
async function loadMediabunny() {
  const [media, { registerFlacEncoder }, { registerMp3Encoder }] = await Promise.all([
    import('mediabunny'),
    import('@mediabunny/flac-encoder'),
    import('@mediabunny/mp3-encoder'),
  ]);
  if (!registered) {
    registerFlacEncoder();
    registerMp3Encoder();
    registered = true;
  }
  return media;
}

/** @throws StudioError `bad-request` where MP3 has no such sample rate. */
export async function compressed(sound: Sound, format: CompressedFormat, recipe: Recipe | null): Promise<Uint8Array<ArrayBuffer>> {
  const { sampleRate } = sound;
  if (format === 'mp3' && !MP3_RATES.includes(sampleRate))
    throw new StudioError('bad-request', `MP3 has no sounds of ${sampleRate} samples a second. Save this one as FLAC or WAV.`);
  const media = await loadMediabunny();
  const target = new media.BufferTarget();
  const output = new media.Output({ format: format === 'flac' ? new media.FlacOutputFormat() : new media.Mp3OutputFormat(), target });
  const source = new media.AudioSampleSource({ codec: format, ...(format === 'mp3' ? { bitrate: MP3_BITS_PER_SECOND } : {}) });
  output.addAudioTrack(source);
  output.setMetadataTags(tagsOf(format, recipe));
  await output.start();
  // The very numbers of the WAV.
  const samples = new Int16Array(toWav(sound.samples, sampleRate).buffer, WAV_HEADER);
  for (let from = 0; from < samples.length; from += sampleRate) {
    const data = samples.subarray(from, from + sampleRate);
    const piece = new media.AudioSample({ data, format: 's16', numberOfChannels: 1, sampleRate, timestamp: from / sampleRate });
    await source.add(piece);
    piece.close();
    // An hour takes a minute, and others want answers meanwhile.
    await new Promise(setImmediate);
  }
  await output.finalize();
  if (!target.buffer) throw new Error('The encoder has written nothing.');
  return new Uint8Array(target.buffer);
}

function tagsOf(format: CompressedFormat, recipe: Recipe | null): MetadataTags {
  const own = recipe ? JSON.stringify(recipe) : null;
  const encoder = recipe ? `ResGen Studio ${recipe.studio}` : 'ResGen Studio';
  const raw =
    format === 'flac'
      ? { ENCODER: encoder, ...(own === null ? {} : { [OWN.flac]: own }) }
      : { TSSE: encoder, ...(own === null ? {} : { TXXX: { [OWN.mp3]: own } }) };
  return { comment: SYNTHETIC, raw };
}

export function compressedFormat(bytes: Uint8Array): CompressedFormat | null {
  const start = Buffer.from(bytes.subarray(0, 4)).toString('latin1');
  return start === 'fLaC' ? 'flac' : start.startsWith('ID3') ? 'mp3' : null;
}

/**
 * What such a file says of itself, as `readMarks` of a WAV; a damaged one says as much as can be read. By hand, as mediabunny's readers allocate what a damaged
 * length asks for, until the process ends.
 */
export function readTags(bytes: Uint8Array): { synthetic: boolean; own: string | undefined } {
  const tags = compressedFormat(bytes) === 'flac' ? [...vorbisComments(bytes)] : [...id3Texts(bytes)];
  return {
    synthetic: tags.some(({ text }) => text.includes(SYNTHETIC)),
    own: tags.find(({ name }) => name === OWN.flac || name === OWN.mp3)?.text,
  };
}

interface Tag {
  name: string;
  text: string;
}

const VORBIS_COMMENT = 4;
const LAST_BLOCK = 0x80;

/** Of FLAC's metadata blocks (RFC 9639, sections 8.1 and 8.6). */
function* vorbisComments(bytes: Uint8Array): Generator<Tag> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let place = 4, last = false; !last && place + 4 <= bytes.length;) {
    const kind = view.getUint8(place);
    const size = view.getUint32(place) & 0xff_ffff;
    const end = Math.min(place + 4 + size, bytes.length);
    last = (kind & LAST_BLOCK) !== 0;
    if ((kind & ~LAST_BLOCK) === VORBIS_COMMENT) yield* commentsIn(view, place + 4, end);
    place += 4 + size;
  }
}

/** A vendor's name, a count, and as many texts `NAME=value`, each with its length in front. */
function* commentsIn(view: DataView, from: number, end: number): Generator<Tag> {
  if (from + 4 > end) return;
  for (let place = from + 4 + view.getUint32(from, true) + 4; place + 4 <= end;) {
    const text = textAt(view, place + 4, Math.min(place + 4 + view.getUint32(place, true), end));
    const equals = text.indexOf('=');
    yield { name: text.slice(0, equals).toUpperCase(), text: text.slice(equals + 1) };
    place += 4 + view.getUint32(place, true);
  }
}

const ID3_HEADER = 10;

/** Texts of a person's own naming and comments in ID3v2.4, in UTF-8 or ISO 8859-1. */
function* id3Texts(bytes: Uint8Array): Generator<Tag> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < ID3_HEADER) return;
  const end = Math.min(ID3_HEADER + syncSafe(view, 6), bytes.length);
  for (let place = ID3_HEADER, size = 0; place + ID3_HEADER < end; place += ID3_HEADER + size) {
    const name = textAt(view, place, place + 4);
    size = syncSafe(view, place + 4);
    const from = place + ID3_HEADER + 1;
    // A comment has a language of three letters before its own name.
    const body = textAt(view, name === 'COMM' ? from + 3 : from, Math.min(place + ID3_HEADER + size, end));
    const zero = body.indexOf('\0');
    if (zero >= 0 && (name === 'TXXX' || name === 'COMM'))
      yield { name: body.slice(0, zero), text: body.slice(zero + 1).replace(/\0+$/, '') };
  }
}

/** 28 bits in four bytes. */
function syncSafe(view: DataView, place: number): number {
  return [0, 1, 2, 3].reduce((size, n) => size * 128 + (view.getUint8(place + n) & 0x7f), 0);
}

function textAt(view: DataView, from: number, until: number): string {
  // A frame at the very end of a damaged file may begin behind it.
  const start = Math.min(from, view.byteLength);
  return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + start, Math.max(0, until - start)));
}
