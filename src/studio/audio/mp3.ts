import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type Decode, TooLong, checkFormat, cutOff, damaged, joinChannels, notSound } from './decoded.js';

const KBITS = {
  1: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  2: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
} as const;
const RATES = [44_100, 48_000, 32_000] as const;
const LAYER_3 = 1;
const FULL_SCALE = 2 ** 15;
/** Decoded in one call, in seconds. */
const AT_ONCE = 10;

interface Header {
  sampleRate: number;
  channels: 1 | 2;
  /** Of the whole frame. */
  bytes: number;
  samples: number;
}

/** MPEG 1, 2 and 2.5, layer III. */
export const readMp3: Decode = async (bytes, maxSeconds) => {
  const { header, frames } = framesOf(bytes);
  const { sampleRate, channels } = header;
  checkFormat(sampleRate, channels);
  if (frames.length * header.samples > maxSeconds * sampleRate + 2 * header.samples) throw new TooLong(maxSeconds);
  if (frames.length === 0) return { sampleRate, channels: [new Float32Array()] };
  return { sampleRate, channels: joinChannels(await decode(frames, channels)) };
};

/** Whether frames begin here: two in a row, as any two bytes may look like one. */
export function isMp3(bytes: Uint8Array): boolean {
  const first = headerAt(bytes, 0);
  return first !== null && sameKind(first, headerAt(bytes, first.bytes));
}

/**
 * The whole frames of the file. The decoder gets nothing else: half a frame at the end makes it go round in circles.
 * @throws StudioError `bad-file` where the last one is cut off
 */
function framesOf(bytes: Uint8Array): { header: Header; frames: Uint8Array[] } {
  const header = headerAt(bytes, 0);
  if (!header) throw notSound();
  const frames: Uint8Array[] = [];
  for (let place = 0; place + 4 <= bytes.length;) {
    const here = headerAt(bytes, place);
    if (!here || !sameKind(header, here)) {
      place++;
      continue;
    }
    if (place + here.bytes > bytes.length) throw cutOff();
    frames.push(bytes.subarray(place, place + here.bytes));
    place += here.bytes;
  }
  return { header, frames: frames[0] && isInfo(frames[0]) ? frames.slice(1) : frames };
}

function sameKind(a: Header, b: Header | null): boolean {
  return b !== null && a.sampleRate === b.sampleRate && a.channels === b.channels && a.samples === b.samples;
}

function headerAt(bytes: Uint8Array, place: number): Header | null {
  const [sync = 0, kind = 0, rates = 0, mode = 0] = bytes.subarray(place, place + 4);
  const version = (kind >> 3) & 3;
  if (sync !== 0xff || kind >> 5 !== 7 || version === 1 || ((kind >> 1) & 3) !== LAYER_3) return null;
  const full = version === 3;
  const kbits = KBITS[full ? 1 : 2][rates >> 4];
  const rate = RATES[(rates >> 2) & 3];
  if (!kbits || rate === undefined) return null;
  // MPEG 2 has half the rates of MPEG 1, and 2.5 half of those.
  const sampleRate = full ? rate : version === 2 ? rate / 2 : rate / 4;
  const samples = full ? 1152 : 576;
  const padding = (rates >> 1) & 1;
  return { sampleRate, channels: mode >> 6 === 3 ? 1 : 2, bytes: Math.floor((samples * kbits * 125) / sampleRate) + padding, samples };
}

/** A first frame that holds no sound but the encoder's notes on the file. */
function isInfo(frame: Uint8Array): boolean {
  const text = Buffer.from(frame.subarray(0, 40)).toString('latin1');
  return text.includes('Xing') || text.includes('Info');
}

/** What minimp3-wasm's module exports. Its own wrapper fetches the module by URL, which Node can't do for files. */
interface Minimp3 {
  memory: WebAssembly.Memory;
  decoder_init(): void;
  decoder_set_mp3_data_size(bytes: number): void;
  decoder_mp3_data_offset(): number;
  decoder_decode(seconds: number): void;
  decoder_pcm_data_offset(): number;
  decode_results_num_samples(): number;
}

let compiled: Promise<WebAssembly.Module> | undefined;

/** Channels of each part. */
async function decode(frames: readonly Uint8Array[], channels: number): Promise<Float32Array[][]> {
  const require = createRequire(import.meta.url);
  compiled ??= readFile(require.resolve('minimp3-wasm/dist/decoder.opt.wasm')).then((code) => WebAssembly.compile(code));
  const { exports } = await WebAssembly.instantiate(await compiled);
  const decoder = exports as unknown as Minimp3;
  const stream = Buffer.concat(frames);
  decoder.decoder_init();
  decoder.decoder_set_mp3_data_size(stream.length);
  new Uint8Array(decoder.memory.buffer, decoder.decoder_mp3_data_offset(), stream.length).set(stream);
  const parts: Float32Array[][] = [];
  for (;;) {
    decoder.decoder_decode(AT_ONCE);
    const count = decoder.decode_results_num_samples();
    if (count === 0) break;
    const pcm = new Int16Array(decoder.memory.buffer, decoder.decoder_pcm_data_offset(), count);
    parts.push(
      Array.from({ length: channels }, (_, c) =>
        Float32Array.from({ length: count / channels }, (_, n) => (pcm[n * channels + c] ?? 0) / FULL_SCALE),
      ),
    );
  }
  if (parts.length === 0) throw damaged();
  return parts;
}
