import { OpusDecoder } from 'opus-decoder';
import { StbVorbis } from 'stb-vorbis';
import { type Decode, type Decoded, TooLong, checkFormat, cutOff, damaged, joinChannels, notSound, silent } from './decoded.js';

const PAGE_HEADER = 27;
/** Ogg Opus is always decoded to this rate, whatever was encoded. */
const OPUS_RATE = 48_000;
/** Packets that go to the Opus decoder together: about a second. */
const TOGETHER = 50;

/** One logical stream: its packets, and how many samples it says that it has. */
interface Stream {
  packets: Uint8Array[];
  length: number;
}

/** Vorbis or Opus in Ogg. */
export const readOgg: Decode = async (bytes, maxSeconds) => {
  const stream = readPages(bytes);
  const [head] = stream.packets;
  if (!head) throw notSound();
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (startsWith(head, 'OpusHead') && head.length >= 19) return readOpus(stream, view, maxSeconds);
  if (startsWith(head, '\u0001vorbis') && head.length >= 16) {
    const sampleRate = view.getUint32(12, true);
    checkFormat(sampleRate, view.getUint8(11));
    if (stream.length > maxSeconds * sampleRate) throw new TooLong(maxSeconds);
    return readVorbis(bytes);
  }
  throw notSound();
};

/** Packets of the first stream in the file, across its pages. */
function readPages(bytes: Uint8Array): Stream {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const packets: Uint8Array[] = [];
  let length = 0;
  let serial: number | null = null;
  let open: Uint8Array[] = [];
  for (let place = 0; place < bytes.length;) {
    if (bytes.length < place + PAGE_HEADER) throw cutOff();
    if (!startsWith(bytes.subarray(place), 'OggS')) throw damaged();
    const own = view.getUint32(place + 14, true);
    const segments = bytes.subarray(place + PAGE_HEADER, place + PAGE_HEADER + view.getUint8(place + 26));
    const granule = view.getBigInt64(place + 6, true);
    place += PAGE_HEADER + segments.length;
    if (bytes.length < place + segments.reduce((sum, size) => sum + size, 0)) throw cutOff();
    serial ??= own;
    // No packet ends on a page of position -1.
    if (own === serial && granule >= 0n) length = Number(granule);
    for (const size of segments) {
      if (own === serial) {
        open.push(bytes.subarray(place, place + size));
        // A packet ends with the first segment that is not full.
        if (size < 255) {
          packets.push(open.length === 1 && open[0] ? open[0] : Buffer.concat(open));
          open = [];
        }
      }
      place += size;
    }
  }
  return { packets, length };
}

async function readVorbis(bytes: Uint8Array): Promise<Decoded> {
  await StbVorbis.ready;
  try {
    const { sampleRate, channels } = StbVorbis.decode(bytes);
    return { sampleRate, channels };
  } catch (cause) {
    throw damaged(cause);
  }
}

/** Opus by RFC 7845: the head says how many samples to leave out at the front, the last page where the sound ends. */
async function readOpus({ packets, length }: Stream, head: DataView, maxSeconds: number): Promise<Decoded> {
  const channels = head.getUint8(9);
  const preSkip = head.getUint16(10, true);
  checkFormat(OPUS_RATE, channels);
  if (length - preSkip > maxSeconds * OPUS_RATE) throw new TooLong(maxSeconds);
  const surround = head.getUint8(18) !== 0;
  if (surround && head.byteLength < 21 + channels) throw damaged();
  const decoder = new OpusDecoder({
    channels,
    preSkip,
    ...(surround && {
      streamCount: head.getUint8(19),
      coupledStreamCount: head.getUint8(20),
      channelMappingTable: Array.from({ length: channels }, (_, c) => head.getUint8(21 + c)),
    }),
  });
  try {
    await decoder.ready;
    const parts: Float32Array[][] = [];
    // After the head and the comments.
    for (let first = 2, decoded = 0; first < packets.length; first += TOGETHER) {
      const part = decoder.decodeFrames(packets.slice(first, first + TOGETHER));
      if (part.errors.length > 0) throw damaged();
      decoded += part.samplesDecoded;
      if (decoded > (maxSeconds + 1) * OPUS_RATE) throw new TooLong(maxSeconds);
      parts.push(part.channelData);
    }
    if (parts.length === 0) throw silent();
    const end = Math.max(0, length - preSkip);
    return { sampleRate: OPUS_RATE, channels: joinChannels(parts).map((samples) => samples.subarray(0, end)) };
  } finally {
    decoder.free();
  }
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  return Buffer.from(bytes.subarray(0, text.length)).toString('latin1') === text;
}
