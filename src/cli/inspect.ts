import { type Item, type Result, StudioError } from '../contract/index.js';
import { type Host, ask, withStudio } from './host.js';
import { unlessInterrupted } from './interrupt.js';
import { exitCodes, printResult, table } from './output.js';
import { itemOf } from './token-input.js';

interface InspectOptions {
  model: string;
  json: boolean;
}

/** `resgen tokens show`: the codes of each file, a line a position. */
export async function showTokens(host: Host, files: string[], { model, json }: InspectOptions): Promise<number> {
  return withStudio(host, false, async (studio) => {
    for (const file of files) {
      const item = await unlessInterrupted(() => itemOf(studio, file, model));
      const sheet = await ask(studio, 'tokens.get', { id: item.id });
      const { L, D, V, H, grid } = sheet;
      // A copy: bytes may lie anywhere in their buffer, an Int32Array only at every fourth.
      const rows = rowsOf(new Int32Array(sheet.codes.slice().buffer), L, D);
      const facts = { file, model: item.recipe.model, L, D, V, H, grid };
      const depths = Array.from({ length: D }, (_, j) => String(j + 1));
      const heading = `${file}: ${L} positions of ${D} depths, codes 0 to ${V - 1}, model ${item.recipe.model.id}`;
      const lines = [['position', ...depths], ...rows.map((codes, i) => [String(i), ...codes.map(String)])];
      printResult(json, { ...facts, codes: rows }, `${heading}\n${table(lines)}`);
    }
    return exitCodes.done;
  });
}

/** `resgen tokens stats`: how the files together use each depth's codebook, and what is left after each depth. */
export async function tokenStats(host: Host, files: string[], { model, json }: InspectOptions): Promise<number> {
  return withStudio(host, false, async (studio) => {
    const items: Item[] = [];
    for (const file of files) items.push(await unlessInterrupted(() => itemOf(studio, file, model)));
    const [first] = items;
    if (!first) throw new StudioError('bad-request', 'There is no file to count. Name one or more.');
    const { id } = first.recipe.model;
    const other = items.findIndex((item) => item.recipe.model.id !== id);
    if (other >= 0) {
      throw new StudioError(
        'bad-request',
        `${files[other]} is of the model “${items[other]?.recipe.model.id}” and ${files[0]} of “${id}”. Count the files of one model at a time.`,
      );
    }
    const usage = await ask(studio, 'codebook.usage', { model: id, of: { ids: items.map((item) => item.id) } });
    const residual = meanByDepth(await Promise.all(items.map((item) => ask(studio, 'tokens.get', { id: item.id }))));
    const depths = usage.depths.map((depth, j) => ({ ...depth, residual: residual[j] ?? 0 }));
    const heading = `${items.length} ${items.length === 1 ? 'file' : 'files'} of ${usage.positions} positions in all, model ${id}`;
    const lines = depths.map((d) => [
      String(d.depth),
      String(d.used),
      d.perplexity.toFixed(1),
      `${(d.energy * 100).toFixed(1)} %`,
      d.residual.toPrecision(3),
    ]);
    const text = `${heading}\n${table([['depth', 'codes used', 'perplexity', 'energy', 'residual'], ...lines])}`;
    printResult(json, { files, model: first.recipe.model, items: usage.items, positions: usage.positions, depths }, text);
    return exitCodes.done;
  });
}

/** `resgen tokens diff`: at how many positions two files have another code, by depth. */
export async function diffTokens(host: Host, a: string, b: string, { model, json }: InspectOptions): Promise<number> {
  return withStudio(host, false, async (studio) => {
    const itemA = await unlessInterrupted(() => itemOf(studio, a, model));
    const itemB = await unlessInterrupted(() => itemOf(studio, b, model));
    const { L, D, differs, perDepth, aligned } = await ask(studio, 'tokens.compare', { a: itemA.id, b: itemB.id });
    const positions = rowsOf(differs, L, D).flatMap((row, i) => (row.some((different) => different > 0) ? [i] : []));
    const total = perDepth.reduce((sum, count) => sum + count, 0);
    const how = aligned && `Held against each other by ${aligned.by === 'phones' ? 'the phones that both say' : 'how alike they sound'}`;
    const heading = [
      ...(aligned ? [`${how}: ${a} has ${L} positions and ${b} has ${aligned.L}.`] : []),
      total === 0
        ? `${a} and ${b} have the same ${L * perDepth.length} tokens.`
        : `${total} of ${L * perDepth.length} tokens differ, at ${positions.length} of ${L} positions.`,
    ].join('\n');
    const lines = perDepth.map((count, j) => [String(j + 1), String(count), `${((100 * count) / L).toFixed(1)} %`]);
    printResult(
      json,
      { a, b, total, positions, perDepth, aligned: aligned?.by ?? null },
      total === 0 ? heading : `${heading}\n${table([['depth', 'positions', 'share'], ...lines])}`,
    );
    return exitCodes.done;
  });
}

function rowsOf(values: Int32Array | Uint8Array, L: number, D: number): number[][] {
  return Array.from({ length: L }, (_, i) => [...values.subarray(i * D, (i + 1) * D)]);
}

/** Mean residual over all positions of all sheets, `[D]`. */
function meanByDepth(sheets: readonly Result<'tokens.get'>[]): number[] {
  const D = sheets[0]?.D ?? 0;
  const sums = new Float64Array(D);
  let positions = 0;
  for (const sheet of sheets) {
    positions += sheet.L;
    new Float32Array(sheet.residual.slice().buffer).forEach((value, n) => (sums[n % D] = (sums[n % D] ?? 0) + value));
  }
  return [...sums].map((sum) => sum / positions);
}
