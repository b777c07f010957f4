import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { StudioError, explain } from '../contract/errors.js';
import { LIMITS, limitClause } from '../contract/limits.js';
import { type GraphName, MODEL_FORMAT, MODEL_LIMITS, Manifest, type ModelSummary, type PackageFiles } from '../contract/model.js';
import { checkGraph } from './onnx/check-graph.js';
import { memoryCap } from './onnx/memory-cap.js';

export interface ModelPackage {
  folder: string;
  manifest: Manifest;
}

const MANIFEST = 'model.json';
const GRAPHS: ReadonlySet<string> = new Set<GraphName>(['step', 'decode', 'encode', 'text']);
const REINSTALL = 'Install the package again.';

/**
 * Reads a package's manifest and checks that every file it names is there with the right size. Contents are checked when they are read
 * (`readPackageFile`) or all together (`verifyPackage`).
 * @throws StudioError `bad-model`
 */
export async function openPackage(folder: string): Promise<ModelPackage> {
  const manifest = parseManifest(folder, await readManifest(folder));
  const pack = { folder, manifest };
  for (const name of packageFileNames(manifest)) await withPackageFile(pack, name, () => Promise.resolve());
  return pack;
}

/** Bytes of a package's file, with the SHA-256 that the manifest says. @throws StudioError `bad-model` */
export async function readPackageFile(pack: ModelPackage, name: keyof PackageFiles): Promise<Uint8Array> {
  return readChecked(pack, name, (size) => new Uint8Array(size));
}

/** A package's file for as long as it takes to make a session of it. */
export interface BorrowedFile {
  readonly bytes: Uint8Array;
  /** Gives the memory back now: the garbage collector takes tens of megabytes outside its heap for nothing urgent. */
  release(): void;
}

/** As `readPackageFile`, for files that are large and soon done with. @throws StudioError `bad-model` */
export async function borrowPackageFile(pack: ModelPackage, name: keyof PackageFiles): Promise<BorrowedFile> {
  // Views of a resizable buffer are a little slower to read, which is why not every file is read like this.
  const bytes = await readChecked(pack, name, (size) => new Uint8Array(new ArrayBuffer(size, { maxByteLength: size })));
  return { bytes, release: () => bytes.buffer.resize(0) };
}

/** Checks a file's SHA-256 and keeps nothing of it. @throws StudioError `bad-model` */
export async function checkPackageFile(pack: ModelPackage, name: keyof PackageFiles): Promise<void> {
  (await borrowPackageFile(pack, name)).release();
}

async function readChecked(
  pack: ModelPackage,
  name: keyof PackageFiles,
  allocate: (size: number) => Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  return withPackageFile(pack, name, async (handle, declared) => {
    const bytes = await readExactly(handle, allocate(declared.bytes));
    if (bytes === null) throw bad(pack.manifest.id, `${declared.path} changed while it was read. Try again.`);
    if (createHash('sha256').update(bytes).digest('hex') !== declared.sha256) {
      throw bad(pack.manifest.id, `${declared.path} is not the file the package was made with (its SHA-256 differs). ${REINSTALL}`);
    }
    return bytes;
  });
}

/** Reads every file again and returns a sentence for each that is not as the manifest says: none when the package is sound. */
export async function verifyPackage(pack: ModelPackage): Promise<string[]> {
  const problems: string[] = [];
  for (const name of packageFileNames(pack.manifest)) {
    try {
      const file = await borrowPackageFile(pack, name);
      try {
        if (GRAPHS.has(name)) checkPackageGraph(pack, name, file.bytes);
      } finally {
        file.release();
      }
    } catch (error) {
      if (!(error instanceof StudioError)) throw error;
      problems.push(error.message);
    }
  }
  return problems;
}

/** Reads a graph as far as it takes to know that it may be run. @throws StudioError `bad-model` */
export function checkPackageGraph(pack: ModelPackage, name: keyof PackageFiles, bytes: Uint8Array): void {
  try {
    checkGraph(bytes, memoryCap());
  } catch (error) {
    if (!(error instanceof StudioError)) throw error;
    throw bad(pack.manifest.id, `its ${name} graph ${error.message}. ${REINSTALL}`, error);
  }
}

/** For lists of models: a package that can't be used comes with the sentence that says why. */
export async function inspectPackage(folder: string): Promise<ModelSummary> {
  try {
    const { manifest } = await openPackage(folder);
    return { id: manifest.id, folder, problem: null, manifest };
  } catch (error) {
    return { id: basename(folder), folder, problem: StudioError.from(error).message, manifest: null };
  }
}

/** The files that a manifest declares. */
export function packageFileNames(manifest: Manifest): (keyof PackageFiles)[] {
  // The schema is strict, so the keys are these and no others.
  return Object.keys(manifest.files) as (keyof PackageFiles)[];
}

async function readManifest(folder: string): Promise<string> {
  const name = basename(folder);
  return withRegularFile(name, folder, MANIFEST, async (handle, size) => {
    // Before reading: the limit is what keeps a hostile file from filling the memory.
    if (size > MODEL_LIMITS.manifestBytes)
      throw bad(name, `${MANIFEST} is too large: ${limitClause(LIMITS.model.limits.manifestBytes)}. ${REINSTALL}`);
    const bytes = await readExactly(handle, new Uint8Array(size));
    if (bytes === null) throw bad(name, `${MANIFEST} changed while it was read. Try again.`);
    return new TextDecoder().decode(bytes);
  });
}

function parseManifest(folder: string, text: string): Manifest {
  const name = basename(folder);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw bad(name, `${MANIFEST} is not JSON; it may have been cut off. ${REINSTALL}`, cause);
  }
  // Looked at before the schema: a newer format fails it in ways that would only mislead.
  if (typeof json === 'object' && json !== null && 'format' in json && typeof json.format === 'number' && json.format > MODEL_FORMAT) {
    throw bad(name, `it has package format ${json.format} and this studio reads up to ${MODEL_FORMAT}. Update the studio to use it.`);
  }
  const parsed = Manifest.safeParse(json);
  if (!parsed.success) throw bad(name, `${MANIFEST} is not valid: ${explain(parsed.error)}. ${REINSTALL}`);
  return parsed.data;
}

type DeclaredFile = NonNullable<PackageFiles[keyof PackageFiles]>;

async function withPackageFile<T>(
  pack: ModelPackage,
  name: keyof PackageFiles,
  use: (handle: FileHandle, declared: DeclaredFile) => Promise<T>,
): Promise<T> {
  const { id, files } = pack.manifest;
  const declared = files[name];
  if (!declared) throw bad(id, `it has no ${name} file. Choose a package that has one.`);
  return withRegularFile(id, pack.folder, declared.path, async (handle, size) => {
    if (size !== declared.bytes) throw bad(id, `${declared.path} has ${size} bytes and should have ${declared.bytes}. ${REINSTALL}`);
    return use(handle, declared);
  });
}

/** Opens a file of the folder that is neither a link nor a device, so that a package can't make the studio read files outside itself. */
async function withRegularFile<T>(
  packageName: string,
  folder: string,
  file: string,
  use: (handle: FileHandle, size: number) => Promise<T>,
): Promise<T> {
  const path = join(folder, file);
  let handle: FileHandle;
  try {
    if ((await lstat(path)).isSymbolicLink())
      throw bad(packageName, `${file} is a link, and packages may hold only plain files. ${REINSTALL}`);
    // Where the system knows it, O_NOFOLLOW also refuses a link put there since; O_NONBLOCK keeps a pipe from blocking.
    handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if (error instanceof StudioError) throw error;
    const missing = error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
    const problem = missing ? `${file} is missing. ${REINSTALL}` : `${file} can't be opened (${describe(error)}). Check its permissions.`;
    throw bad(packageName, problem, error);
  }
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw bad(packageName, `${file} is not a plain file. ${REINSTALL}`);
    return await use(handle, stats.size);
  } finally {
    await handle.close();
  }
}

/** Fills `bytes`; null when the file ends before they are full. */
async function readExactly<T extends Uint8Array>(handle: FileHandle, bytes: T): Promise<T | null> {
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, filled);
    if (bytesRead === 0) return null;
    filled += bytesRead;
  }
  return bytes;
}

function describe(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

function bad(packageName: string, problem: string, cause?: unknown): StudioError {
  return new StudioError('bad-model', `The model package "${packageName}" can't be used: ${problem}`, { cause });
}
