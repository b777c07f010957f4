import { readFile } from 'node:fs/promises';
import { Licences as Schema, type Part, StudioError } from '../contract/index.js';

/** Licences of all parts, as the build has written them down (`scripts/lib/licences.mjs`). Read when somebody asks. */
export class Licences {
  /** `file`: null where the host has no build, as in tests. */
  constructor(private readonly file: string | null) {}

  async list(): Promise<Part[]> {
    return (await this.#read()).map(({ kind, name, version, licence }) => ({ kind, name, version, licence }));
  }

  /** @throws StudioError `not-found` */
  async text(name: string, version: string): Promise<string> {
    const part = (await this.#read()).find((candidate) => candidate.name === name && candidate.version === version);
    if (!part) throw new StudioError('not-found', `“${name}” ${version} is no part of this studio. Choose one of the list.`);
    return part.text;
  }

  async #read(): Promise<ReturnType<typeof Schema.parse>> {
    const text = this.file === null ? null : await readFile(this.file, 'utf8').catch(() => null);
    if (text === null) throw new StudioError('not-found', 'The list of licences is missing from this studio. Install it again.');
    return Schema.parse(JSON.parse(text));
  }
}
