import { open } from 'node:fs/promises';

/** How much of a file's beginning says what it is: the header of a WAV up to its samples, and more than that of a PNG. */
const HEAD = 44;
/** The last chunk of a PNG, which is empty and always the same: length, type and CRC. */
const PNG_END = Buffer.from([0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82]);
const PNG_START = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/**
 * Whether a file of the library still has its end, by its first and last bytes alone: what a full disk, a broken one or another program cut
 * off is told, and not shown as half of itself. Only of the kinds that the library writes, by the name's ending; others are whole.
 * @throws the system's own error where the file is not there
 */
export async function isWhole(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const { buffer: head, bytesRead } = await handle.read(Buffer.alloc(HEAD), 0, HEAD, 0);
    const { buffer: end } = await handle.read(Buffer.alloc(PNG_END.length), 0, PNG_END.length, Math.max(0, size - PNG_END.length));
    if (file.endsWith('.png')) return bytesRead === HEAD && head.subarray(0, PNG_START.length).equals(PNG_START) && end.equals(PNG_END);
    if (file.endsWith('.wav')) return bytesRead === HEAD && isRiff(head, 'WAVE', size);
    // The smallest thumbnail has fewer bytes than a WAV's header.
    if (file.endsWith('.webp')) return bytesRead >= 20 && isRiff(head, 'WEBP', size);
    return true;
  } finally {
    await handle.close();
  }
}

/** RIFF says how long it is, behind its first eight bytes. */
function isRiff(head: Buffer, type: string, size: number): boolean {
  return head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8, 12) === type && head.readUInt32LE(4) + 8 === size;
}
