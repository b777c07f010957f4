import { expect, it, vi } from 'vitest';
import { openFile, readFile } from '../../../src/renderer/shared/files.js';

/** A file that may be said to have any size. */
function fileOf(name: string, bytes: Uint8Array<ArrayBuffer>, size = bytes.length): { file: File; read: () => number } {
  const file = new File([bytes], name);
  const read = vi.spyOn(file, 'arrayBuffer');
  Object.defineProperty(file, 'size', { value: size });
  return { file, read: () => read.mock.calls.length };
}

it('a file is read, and two hours of sound are refused before that', async () => {
  const small = fileOf('a.wav', Uint8Array.of(1, 2));
  expect(await readFile(small.file)).toEqual({ name: 'a.wav', bytes: Uint8Array.of(1, 2) });
  const long = fileOf('talk.wav', new Uint8Array(), 2 * 3600 * 32_000);
  expect(await readFile(long.file)).toBe(
    '“talk.wav” has 219.7 MiB, and 64 MiB are the most. Choose a smaller file, or cut out the part that you need.',
  );
  expect([small.read(), long.read()]).toEqual([1, 0]);
});

it('what can’t be read is said, and taken nowhere', async () => {
  const { file } = fileOf('gone.wav', new Uint8Array());
  vi.spyOn(file, 'arrayBuffer').mockRejectedValue(new DOMException('gone', 'NotReadableError'));
  const [error, take] = [vi.fn(), vi.fn()];
  await openFile(readFile(file), { error }, take);
  expect(error).toHaveBeenCalledWith('“gone.wav” can’t be read. It may have been moved, or be a folder: choose it again.');
  expect(take).not.toHaveBeenCalled();
});
