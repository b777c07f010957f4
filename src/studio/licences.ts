import { readFile } from 'node:fs/promises';
import { Licences as Schema, type Part, StudioError } from '../contract/index.js';
import { readChromiumNotices } from './chromium-notices.js';

/** As long as a name may be that is asked for. */
const MOST_NAME = 200;

/** Licences of all parts, as the build has written them down (`scripts/lib/licences.mjs`). Read when somebody asks. */
export class Licences {
  constructor(
    /** Null where the host has no build, as in tests. */
    private readonly file: string | null,
    /** `LICENSES.chromium.html` of the Electron that runs this, and its Chromium's version. It may be missing, as from a build of one's own. */
    private readonly chromium: { file: string; version: string } | null = null,
  ) {}

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
    return [...Schema.parse(JSON.parse(text)), ...(await this.#ofChromium())];
  }

  async #ofChromium(): Promise<ReturnType<typeof Schema.parse>> {
    if (!this.chromium) return [];
    const { file, version } = this.chromium;
    const html = await readFile(file, 'utf8').catch(() => '');
    return readChromiumNotices(html).map(({ name, text }) => ({
      kind: 'library',
      name: `Chromium: ${name}`.slice(0, MOST_NAME),
      version,
      licence: 'see its text',
      text,
    }));
  }
}
