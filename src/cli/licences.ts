import { StudioError } from '../contract/index.js';
import { type Host, ask, withStudio } from './host.js';
import { exitCodes, printResult, table } from './output.js';

/** `resgen licences`: every part that comes with the studio, or the texts of those with a name. */
export async function licences(host: Host, name: string | undefined, { json }: { json: boolean }): Promise<number> {
  return withStudio(host, false, async (studio) => {
    const all = await ask(studio, 'licences.list', null);
    const parts = name === undefined ? all : all.filter((part) => part.name === name);
    if (parts.length === 0) {
      throw new StudioError('not-found', `No part of this studio is called “${name}”. “resgen licences” lists them.`);
    }
    if (name === undefined && !json) {
      const rows = parts.map((part) => [part.name, part.version, part.kind, part.licence]);
      printResult(false, {}, `${table([['name', 'version', 'kind', 'licence'], ...rows])}\n\n“resgen licences NAME” prints a text.`);
      return exitCodes.done;
    }
    for (const part of parts) {
      const { text } = await ask(studio, 'licences.read', { name: part.name, version: part.version });
      printResult(json, { ...part, text }, `${part.name} ${part.version}: ${part.licence}\n\n${text}\n`);
    }
    return exitCodes.done;
  });
}
