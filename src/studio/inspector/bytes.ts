/** An array's little-endian bytes as they travel: a copy, because structured clone would send the whole buffer behind a view. */
export function bytesOf({ buffer, byteOffset, byteLength }: Int32Array | Float32Array | Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer, byteOffset, byteLength).slice();
}
