import type { CallName, ParamsInput, Reply, Result, StudioEvent } from '../contract/index.js';
import type { Studio } from '../studio/index.js';

/** Calls and events whose sentences may name a file. All others are the person's own items and words, which are left as they are. */
const SPEAKING: ReadonlySet<string> = new Set<CallName | StudioEvent['name']>([
  'app.info',
  'models.list',
  'models.verify',
  'engine.status',
  'engine.probe',
  'reports.list',
  'reports.read',
  'engine',
  'job',
  'jobs.list',
  'reportAdded',
]);

/**
 * The studio as clients on other machines may see it: where its folders lie on this one's disk is none of their business. Whoever started it
 * reads them in the terminal.
 */
export async function withoutFolders(studio: Studio): Promise<Studio> {
  const info = await studio.call('app.info', null);
  const folders = info.ok ? namesOf(info.value) : [];
  const hide = (value: unknown): unknown => {
    if (typeof value === 'string') return folders.reduce((text, [folder, name]) => text.replaceAll(folder, name), value);
    if (Array.isArray(value)) return value.map(hide);
    if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, hide(inner)]));
  };
  const call = async <N extends CallName>(name: N, params: ParamsInput<N>): Promise<Reply<Result<N>>> => {
    const reply = await studio.call(name, params);
    if (reply.ok && !SPEAKING.has(name)) return reply;
    const hidden = hide(reply) as typeof reply;
    // Not even that there are some: a page that reads null says where else to look.
    if (name === 'app.info' && hidden.ok) return { ok: true, value: { ...hidden.value, dataFolder: null, modelFolders: [] } };
    return hidden;
  };
  return {
    ...studio,
    call,
    subscribe: (listener) => studio.subscribe((event) => listener(SPEAKING.has(event.name) ? (hide(event) as StudioEvent) : event)),
  };
}

/** Each folder and what it is called instead, the longest first: the folder of models may lie in that of the data. */
function namesOf({ dataFolder, modelFolders }: Result<'app.info'>): [folder: string, name: string][] {
  const models = modelFolders.map((folder, n): [string, string] => [folder, modelFolders.length > 1 ? `models ${n + 1}` : 'models']);
  const all: [string, string][] = dataFolder === null ? models : [...models, [dataFolder, 'the data folder']];
  return all.sort(([a], [b]) => b.length - a.length);
}
