import type sharp from 'sharp';

/** sharp, loaded at first use: where it is WebAssembly (see `main/wasm-sharp.ts`) it takes a second of work and sixty megabytes. */
export async function loadSharp(): Promise<typeof sharp> {
  return (await import('sharp')).default;
}
