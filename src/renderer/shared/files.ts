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

export async function readFile(file: File): Promise<NamedBytes> {
  return { name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) };
}
