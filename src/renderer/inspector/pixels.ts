/** A picture in memory, RGBA. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/** Pixels of an encoded picture. @throws DOMException for bytes that are no picture */
export async function readPixels(bytes: Uint8Array<ArrayBuffer>): Promise<Pixels> {
  const bitmap = await createImageBitmap(new Blob([bytes]));
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  context?.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { width, height, data: context?.getImageData(0, 0, width, height).data ?? new Uint8ClampedArray(4 * width * height) };
}

/** Peak signal-to-noise ratio in dB over red, green and blue of two pictures of one size; Infinity for equal ones. */
export function psnr(a: Pixels, b: Pixels): number {
  let sum = 0;
  for (let n = 0; n < a.data.length; n += 4) {
    for (let c = n; c < n + 3; c++) sum += ((a.data[c] ?? 0) - (b.data[c] ?? 0)) ** 2;
  }
  return 10 * Math.log10((255 * 255 * 3 * a.width * a.height) / sum);
}

/**
 * What `a` has more than `b`, around a middle grey: lighter where it added light, in the colours it added. Stretched so that the largest
 * difference reaches the end of the range; `gain` says by how much.
 */
export function difference(a: Pixels, b: Pixels): { readonly pixels: Pixels; readonly gain: number } {
  let most = 1;
  for (let n = 0; n < a.data.length; n++) if (n % 4 !== 3) most = Math.max(most, Math.abs((a.data[n] ?? 0) - (b.data[n] ?? 0)));
  const gain = 127 / most;
  const data = new Uint8ClampedArray(a.data.length);
  for (let n = 0; n < data.length; n++) data[n] = n % 4 === 3 ? 255 : 128 + gain * ((a.data[n] ?? 0) - (b.data[n] ?? 0));
  return { pixels: { width: a.width, height: a.height, data }, gain };
}
