import type { ModelSummary } from '../contract/index.js';
import { type Host, ask, withStudio } from './host.js';
import { exitCodes, note, printResult, table } from './output.js';

export async function listModels(host: Host, { json }: { json: boolean }): Promise<number> {
  return withStudio(host, false, async (studio) => {
    const models = await ask(studio, 'models.list', null);
    if (json) for (const model of models) printResult(true, model, '');
    else if (models.length > 0) printResult(false, {}, table([['id', 'version', 'kind', 'classes', 'state'], ...models.map(row)]));
    else note(`There are no models. Put a package into one of: ${(await ask(studio, 'app.info', null)).modelFolders.join(', ')}`);
    return exitCodes.done;
  });
}

function row({ id, manifest, problem }: ModelSummary): string[] {
  return [id, manifest?.version ?? '-', manifest?.kind ?? '-', String(manifest?.classes.length ?? '-'), problem ?? 'usable'];
}

export async function verifyModels(host: Host, ids: string[], { json }: { json: boolean }): Promise<number> {
  return withStudio(host, false, async (studio) => {
    const wanted = ids.length > 0 ? ids : (await ask(studio, 'models.list', null)).map((model) => model.id);
    let sound = true;
    for (const id of wanted) {
      const { ok, problems } = await ask(studio, 'models.verify', { id });
      sound &&= ok;
      printResult(
        json,
        { id, ok, problems },
        ok ? `${id}: every file is as the manifest says` : problems.map((problem) => `${id}: ${problem}`).join('\n'),
      );
    }
    if (wanted.length === 0) note('There are no models to verify.');
    return sound ? exitCodes.done : exitCodes.failed;
  });
}

export async function modelCard(host: Host, id: string): Promise<number> {
  return withStudio(host, false, async (studio) => {
    printResult(false, {}, (await ask(studio, 'models.card', { id })).markdown.trimEnd());
    return exitCodes.done;
  });
}
