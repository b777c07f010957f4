import { type Decode, TooLong, bad, checkFormat, cutOff, damaged, joinChannels } from './decoded.js';

/**
 * FLAC as RFC 9639 has it, up to 24 bits a sample. Written here because the packages that wrap libFLAC come with an LGPL parser or change
 * samples on the way. Predictions are sums of up to 32 products of 15 and 25 bits: exact as floating-point numbers of 53.
 */
const MOST_BITS = 24;
const STREAM_INFO = 0;
const SYNC = 0x3ffe;
const FIXED: readonly (readonly number[])[] = [[], [1], [2, -1], [3, -3, 1], [4, -6, 4, -1]];
/** Channel assignments above 7: which of the two channels is a difference, and so has a bit more. */
const LEFT_SIDE = 8;
const SIDE_RIGHT = 9;
const MID_SIDE = 10;

interface StreamInfo {
  sampleRate: number;
  channels: number;
  bits: number;
  /** Samples of a channel; 0 where the encoder did not know. */
  total: number;
}

export const readFlac: Decode = (bytes, maxSeconds) => {
  const reader = new BitReader(bytes);
  const info = readInfo(reader);
  const { sampleRate, channels, bits, total } = info;
  checkFormat(sampleRate, channels);
  if (bits > MOST_BITS) throw bad('is a FLAC of more than 24 bits a sample. Save it with 24 or 16.');
  const most = maxSeconds * sampleRate;
  if (total > most) throw new TooLong(maxSeconds);
  const blocks: Float32Array[][] = [];
  let length = 0;
  while (total > 0 ? length < total : reader.left > 0) {
    const block = readFrame(reader, info);
    length += block[0]?.length ?? 0;
    if (length > most) throw new TooLong(maxSeconds);
    blocks.push(block);
  }
  return { sampleRate, channels: joinChannels(blocks) };
};

/** Goes through the metadata to where the frames begin. */
function readInfo(reader: BitReader): StreamInfo {
  reader.skip(4);
  let info: StreamInfo | null = null;
  for (let last = false; !last;) {
    last = reader.bits(1) === 1;
    const type = reader.bits(7);
    const size = reader.bits(24);
    if (type !== STREAM_INFO) {
      reader.skip(size);
      continue;
    }
    reader.skip(10);
    info = { sampleRate: reader.bits(20), channels: reader.bits(3) + 1, bits: reader.bits(5) + 1, total: reader.bits(36) };
    reader.skip(size - 18);
  }
  if (!info) throw damaged();
  return info;
}

function readFrame(reader: BitReader, { channels, bits }: StreamInfo): Float32Array[] {
  const from = reader.place;
  if (reader.bits(14) !== SYNC) throw damaged();
  reader.bits(2);
  const sizeCode = reader.bits(4);
  const rateCode = reader.bits(4);
  const assignment = reader.bits(4);
  // What is left of the header repeats the stream's own facts, but for the number of the frame and the sizes that had no code.
  reader.bits(4);
  for (let ones = Math.clz32(~(reader.bits(8) << 24)); ones > 1; ones--) reader.bits(8);
  const size = blockSize(sizeCode, reader);
  if (rateCode === 12) reader.bits(8);
  else if (rateCode === 13 || rateCode === 14) reader.bits(16);
  reader.bits(8);
  if (assignment > MID_SIDE || (assignment < LEFT_SIDE ? assignment + 1 : 2) !== channels) throw damaged();
  const wider = { [LEFT_SIDE]: 1, [SIDE_RIGHT]: 0, [MID_SIDE]: 1 }[assignment];
  const decoded = Array.from({ length: channels }, (_, c) => readSubframe(reader, size, bits + (c === wider ? 1 : 0)));
  joinStereo(assignment, decoded);
  reader.align();
  const crc = reader.crc16(from);
  if (reader.bits(16) !== crc) throw damaged();
  return decoded.map((samples) => Float32Array.from(samples, (sample) => sample / 2 ** (bits - 1)));
}

function blockSize(code: number, reader: BitReader): number {
  if (code === 0) throw damaged();
  if (code === 1) return 192;
  if (code <= 5) return 144 * 2 ** code;
  if (code === 6) return reader.bits(8) + 1;
  if (code === 7) return reader.bits(16) + 1;
  return 2 ** code;
}

function readSubframe(reader: BitReader, size: number, width: number): Float64Array {
  reader.bits(1);
  const type = reader.bits(6);
  const wasted = reader.bits(1) === 1 ? reader.unary() + 1 : 0;
  const bits = width - wasted;
  if (bits < 1) throw damaged();
  const samples = new Float64Array(size);
  if (type === 0) samples.fill(reader.signed(bits));
  else if (type === 1) for (let n = 0; n < size; n++) samples[n] = reader.signed(bits);
  else if (type >= 8 && type <= 12) predict(reader, samples, bits, type - 8, null);
  else if (type >= 32) predict(reader, samples, bits, type - 31, 'linear');
  else throw damaged();
  return wasted === 0 ? samples : samples.map((sample) => sample * 2 ** wasted);
}

/** Warm-up samples as they are, the others by a prediction from those before and what it was off by. */
function predict(reader: BitReader, samples: Float64Array, bits: number, order: number, kind: 'linear' | null): void {
  if (order > samples.length) throw damaged();
  for (let n = 0; n < order; n++) samples[n] = reader.signed(bits);
  let coefficients = FIXED[order] ?? [];
  let shift = 0;
  if (kind === 'linear') {
    const precision = reader.bits(4) + 1;
    shift = reader.signed(5);
    if (precision === 16 || shift < 0) throw damaged();
    coefficients = Array.from({ length: order }, () => reader.signed(precision));
  }
  readResidual(reader, samples, order);
  const scale = 2 ** shift;
  for (let n = order; n < samples.length; n++) {
    let sum = 0;
    for (let k = 0; k < order; k++) sum += (coefficients[k] ?? 0) * (samples[n - 1 - k] ?? 0);
    samples[n] = (samples[n] ?? 0) + Math.floor(sum / scale);
  }
}

/** Rice codes, in partitions that have a parameter each; fills `samples` from `order` on. */
function readResidual(reader: BitReader, samples: Float64Array, order: number): void {
  const method = reader.bits(2);
  if (method > 1) throw damaged();
  const width = method === 0 ? 4 : 5;
  const partitions = 2 ** reader.bits(4);
  const each = samples.length / partitions;
  if (!Number.isInteger(each) || each < order) throw damaged();
  for (let p = 0; p < partitions; p++) {
    const parameter = reader.bits(width);
    const raw = parameter === 2 ** width - 1 ? reader.bits(5) : null;
    for (let n = p === 0 ? order : p * each; n < (p + 1) * each; n++) {
      if (raw !== null) samples[n] = reader.signed(raw);
      else {
        const folded = reader.unary() * 2 ** parameter + reader.bits(parameter);
        samples[n] = folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
      }
    }
  }
}

function joinStereo(assignment: number, [first, second]: readonly Float64Array[]): void {
  if (assignment < LEFT_SIDE || !first || !second) return;
  for (let n = 0; n < first.length; n++) {
    const [a, b] = [first[n] ?? 0, second[n] ?? 0];
    if (assignment === LEFT_SIDE) second[n] = a - b;
    else if (assignment === SIDE_RIGHT) first[n] = a + b;
    else {
      const middle = 2 * a + Math.abs(b % 2);
      first[n] = (middle + b) / 2;
      second[n] = (middle - b) / 2;
    }
  }
}

/** Numbers of any width, most significant bit first. @throws StudioError `bad-file` at the end of the bytes */
class BitReader {
  /** In bits. */
  #at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  /** Whole bytes behind the present place. */
  get left(): number {
    return this.bytes.length - this.place;
  }

  /** In bytes, rounded up. */
  get place(): number {
    return (this.#at + 7) >>> 3;
  }

  align(): void {
    this.#at = this.place * 8;
  }

  skip(bytes: number): void {
    if (bytes < 0) throw damaged();
    if (bytes > this.left) throw cutOff();
    this.#at += bytes * 8;
  }

  bits(count: number): number {
    let value = 0;
    for (let missing = count; missing > 0;) {
      const here = 8 - (this.#at & 7);
      const taken = Math.min(missing, here);
      value = value * 2 ** taken + ((this.#byte() >> (here - taken)) & ((1 << taken) - 1));
      this.#at += taken;
      missing -= taken;
    }
    return value;
  }

  signed(count: number): number {
    const value = this.bits(count);
    return value >= 2 ** (count - 1) ? value - 2 ** count : value;
  }

  /** How many zeros there are before the next one, which is taken too. */
  unary(): number {
    for (let zeros = 0; ;) {
      const here = 8 - (this.#at & 7);
      const rest = this.#byte() & ((1 << here) - 1);
      const found = Math.clz32(rest) - 32 + here;
      zeros += found;
      this.#at += found;
      if (rest === 0) continue;
      this.#at += 1;
      return zeros;
    }
  }

  /** Of the bytes from `from` to the present place. */
  crc16(from: number): number {
    let crc = 0;
    for (const byte of this.bytes.subarray(from, this.place)) crc = ((crc << 8) ^ (CRC16[(crc >> 8) ^ byte] ?? 0)) & 0xffff;
    return crc;
  }

  #byte(): number {
    const byte = this.bytes[this.#at >>> 3];
    if (byte === undefined) throw cutOff();
    return byte;
  }
}

const CRC16 = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x8005 : crc << 1;
  return crc;
});
