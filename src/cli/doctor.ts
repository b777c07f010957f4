import { createRequire } from 'node:module';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { version } from '../../package.json';
import { type EngineStatus, type ModelSummary, StudioError } from '../contract/index.js';
import { type Studio, dataFolder } from '../studio/index.js';
import { type Host, ask, withStudio } from './host.js';
import { exitCodes, note, printResult, table } from './output.js';

interface Report {
  studio: string;
  node: string;
  onnxruntime: string;
  platform: string;
  dataFolder: string;
  freeDiskBytes: number;
  modelFolders: string[];
  models: ModelSummary[];
  engine: EngineStatus | null;
  problems: string[];
}

/** `resgen doctor`: what is here, what works, and how fast. Fails when no picture could be made. */
export async function doctor(host: Host, { json }: { json: boolean }): Promise<number> {
  return withStudio(host, false, async (studio) => {
    const folder = dataFolder(host.data);
    const models = await ask(studio, 'models.list', null);
    const problems = models.flatMap(({ problem }) => (problem === null ? [] : [problem]));
    const { modelFolders } = await ask(studio, 'app.info', null);
    const report: Report = {
      studio: version,
      node: process.version,
      onnxruntime: onnxruntimeVersion(),
      platform: `${process.platform} ${process.arch}`,
      dataFolder: folder,
      freeDiskBytes: await freeDisk(folder),
      // The last is that of the temporary library, which is always empty.
      modelFolders: modelFolders.slice(0, -1),
      models,
      engine: await probe(studio, models, problems),
      problems,
    };
    if (json) printResult(true, report, '');
    else print(report);
    return problems.length === 0 ? exitCodes.done : exitCodes.failed;
  });
}

async function probe(studio: Studio, models: ModelSummary[], problems: string[]): Promise<EngineStatus | null> {
  const model = models.find(({ manifest }) => manifest?.files.step) ?? models.find(({ manifest }) => manifest);
  if (!model) {
    problems.push('There is no usable model, so the engine was not tried.');
    return null;
  }
  try {
    return await ask(studio, 'engine.probe', { model: model.id });
  } catch (error) {
    problems.push(StudioError.from(error).message);
    return ask(studio, 'engine.status', null);
  }
}

function onnxruntimeVersion(): string {
  try {
    const manifest = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };
    return manifest.version;
  } catch {
    return 'not installed';
  }
}

/** Of the disk that the folder is on, or will be: it is made at the first start. */
async function freeDisk(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch (error) {
    if (dirname(folder) === folder) throw error;
    return freeDisk(dirname(folder));
  }
}

function print(report: Report): void {
  const facts = [
    ['ResGen Studio', report.studio],
    ['Node', `${report.node} on ${report.platform}`],
    ['onnxruntime', report.onnxruntime],
    ['Data folder', report.dataFolder],
    ['Free disk', `${(report.freeDiskBytes / 1e9).toFixed(1)} GB`],
    ...report.modelFolders.map((folder) => ['Model folder', folder]),
    ...report.models.map(({ id, manifest, problem }) => [
      'Model',
      problem === null ? `${id} ${manifest?.version ?? ''}` : `${id}: ${problem}`,
    ]),
    ...(report.engine?.probes ?? []).map(({ name, state, reason }) => ['Provider', `${name}: ${state}. ${reason}`]),
  ];
  printResult(false, {}, table(facts));
  for (const problem of report.problems) note(`Problem: ${problem}`);
}
