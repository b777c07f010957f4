import { cp, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

const FIXTURES = path.resolve(import.meta.dirname, '..', '..', 'fixtures', 'models');

/** A fresh folder of user data and a copy of the tiny model that a test may damage. Gone when disposed of. */
export class UserData implements AsyncDisposable {
  private constructor(readonly folder: string) {}

  static async create(): Promise<UserData> {
    const data = new UserData(await mkdtemp(path.join(os.tmpdir(), 'resgen-e2e-')));
    await cp(FIXTURES, data.models, { recursive: true });
    return data;
  }

  get models(): string {
    return path.join(this.folder, 'shipped-models');
  }

  /** Where the studio keeps its database and items, in either host. */
  get studio(): string {
    return path.join(this.folder, 'studio');
  }

  async removeModels(): Promise<void> {
    await rm(this.models, { recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
