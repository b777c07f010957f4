import { StudioError } from '../contract/errors.js';
import type { ProviderName } from '../contract/records.js';
import { type GraphBorder, type RunnableGraph, graphBorders } from './borders.js';
import { type ModelPackage, borrowPackageFile } from './package.js';
import { GraphSession } from './session.js';

/**
 * The sessions of a package that are made at first use, because most need neither: of what runs once a clip, a picture or a sentence. They are
 * on the CPU, which repays no probe of its own, so that they can be had without the package being loaded.
 */
export class LaterSessions {
  private readonly made = new Map<'encode' | 'text', GraphSession>();

  constructor(
    readonly pack: ModelPackage,
    private readonly threads: number | undefined,
  ) {}

  /** @throws StudioError `bad-model` for a file or a graph that is not as the manifest says */
  async get(graph: 'encode' | 'text'): Promise<GraphSession> {
    const known = this.made.get(graph);
    if (known) return known;
    const { pack, threads } = this;
    const file = await borrowPackageFile(pack, graph);
    try {
      const session = await createSession(pack, file.bytes, graph, graphBorders(pack.manifest)[graph], { provider: 'cpu', threads });
      this.made.set(graph, session);
      return session;
    } finally {
      file.release();
    }
  }

  async release(): Promise<void> {
    for (const session of this.made.values()) await session.release();
    this.made.clear();
  }
}

/** @throws StudioError `bad-model` for a graph that contradicts its manifest; onnxruntime's own error when it can't make the session */
export async function createSession(
  pack: ModelPackage,
  bytes: Uint8Array,
  graph: RunnableGraph,
  border: GraphBorder,
  options: { provider: ProviderName; threads: number | undefined },
): Promise<GraphSession> {
  try {
    return await GraphSession.create(bytes, border, options);
  } catch (error) {
    if (!(error instanceof StudioError)) throw error;
    throw notUsable(pack.manifest.id, `its ${graph} graph ${error.message}`, error);
  }
}

export function notUsable(id: string, problem: string, cause: unknown): StudioError {
  return new StudioError('bad-model', `The model package "${id}" can't be used: ${problem}. Install the package again.`, { cause });
}
