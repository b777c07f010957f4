import { FILE_LIMITS, formatBytes } from '../../contract/index.js';
import type { Notices } from './notices.svelte.js';

/** Lets the browser save a file that the studio serves, under its own name. */
export function download(url: string, name: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
}

/** Whether the browser can decode these bytes as a picture. */
export async function isPicture(bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  try {
    (await createImageBitmap(new Blob([bytes]))).close();
    return true;
  } catch {
    return false;
  }
}

export const PICTURE_TYPES = ['image/png', 'image/jpeg', 'image/webp'] as const;

export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * What a person chose or dropped. One that the studio would refuse for its size, two hours of sound for example, is not read at all.
 * @returns a sentence where it can't be read
 */
export async function readFile(file: File): Promise<NamedBytes | string> {
  if (file.size > FILE_LIMITS.uploadBytes) {
    const [size, most] = [file.size, FILE_LIMITS.uploadBytes].map(formatBytes);
    return `“${file.name}” has ${size}, and ${most} are the most. Choose a smaller file, or cut out the part that you need.`;
  }
  try {
    return { name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) };
  } catch {
    return `“${file.name}” can’t be read. It may have been moved, or be a folder: choose it again.`;
  }
}

/** Hands a file on that `reading` gives, or says why it can't. */
export async function openFile(
  reading: Promise<NamedBytes | string>,
  notices: Pick<Notices, 'error'>,
  take: (file: NamedBytes) => unknown,
): Promise<void> {
  const file = await reading;
  if (typeof file === 'string') notices.error(file);
  else await take(file);
}
