import { type Host, ask, withStudio } from './host.js';
import { exitCodes, note, printResult, table } from './output.js';

/** `resgen dictionary list` */
export async function listWords(host: Host, { json }: { json: boolean }): Promise<number> {
  return withStudio(host, true, async (studio) => {
    const entries = await ask(studio, 'dictionary.list', null);
    if (json) for (const entry of entries) printResult(true, entry, '');
    else if (entries.length > 0) printResult(false, {}, table(entries.map(({ word, said }) => [word, said])));
    else note('The dictionary is empty. Add a word with `resgen dictionary set`.');
    return exitCodes.done;
  });
}

/** `resgen dictionary set` */
export async function setWord(host: Host, word: string, said: string, { json }: { json: boolean }): Promise<number> {
  return withStudio(host, true, async (studio) => {
    const entry = await ask(studio, 'dictionary.set', { word, said });
    printResult(json, entry, `${entry.word}  ${entry.said}`);
    return exitCodes.done;
  });
}

/** `resgen dictionary remove` */
export async function removeWord(host: Host, word: string, { json }: { json: boolean }): Promise<number> {
  return withStudio(host, true, async (studio) => {
    await ask(studio, 'dictionary.remove', { word });
    printResult(json, { removed: word }, word);
    return exitCodes.done;
  });
}
