import { createRequire, Module } from 'node:module';

/**
 * Makes sharp take its WebAssembly build on Linux. Electron's binary there is linked with the system's GLib; the native build has one of its
 * own, binds half of it to the system's, and ends the process within a few pictures (https://github.com/lovell/sharp/issues/4522).
 * Must run before sharp is loaded, which is when something first needs it (`studio/sharp.ts`).
 */
export function useWasmSharpOnLinux(): void {
  if (process.platform !== 'linux') return;
  const sharp = createRequire(createRequire(import.meta.url).resolve('sharp'));
  for (const libc of ['linux', 'linuxmusl']) {
    const native = resolve(sharp, `@img/sharp-${libc}-${process.arch}/sharp.node`);
    // Loaded already, as nothing: what sharp finds where a platform has no native build.
    if (native !== null) sharp.cache[native] = Object.assign(new Module(native), { loaded: true, exports: null });
  }
}

function resolve(require: NodeJS.Require, name: string): string | null {
  try {
    return require.resolve(name);
  } catch {
    return null;
  }
}
