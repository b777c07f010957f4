import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Recipe, fromWav, toWav } from '../../../src/contract/index.js';
import { readTokenFile, writeTokenFile } from '../../../src/engine/tokens.js';
import { readMarks } from '../../../src/studio/sound-marks.js';
import { temporaryFolder } from '../studio/support.js';
import { buildCommandLine } from './build.js';
import { startResgen } from './harness.js';

const [L, D] = [4, 4];
/** A codec with random weights at 8 kHz. */
const CODECS = resolve('test/fixtures/codecs');
/** Each command is a process of its own, which takes its time on a busy machine. */
const PROCESSES = { timeout: 180_000 };

let cli = '';
const made = mkdtempSync(join(tmpdir(), 'resgen-test-'));
/** Token files of the tiny model, as a generation leaves them. */
const [a, b] = [7, 8].map((seed) => {
  const file = join(made, `${seed}.safetensors`);
  const model = { id: 'tiny', version: '0.1.0' };
  const recipe: Recipe = { format: 1, studio: '0.1.0', model, kind: 'image', verb: 'generate', className: 'Circle', seed };
  const codes = Int32Array.from({ length: L * D }, (_, n) => (n * n + seed * (n % 3)) % 16);
  writeFileSync(file, writeTokenFile({ L, D, grid: [2, 2], codes, model: model.id, version: model.version, recipe }));
  return file;
}) as [string, string];
beforeAll(async () => {
  cli = await buildCommandLine('tokens');
}, 180_000);
afterAll(() => rmSync(made, { recursive: true, force: true }));

/** Runs it and expects it to succeed; returns what it printed. */
async function resgen(...args: string[]): Promise<string> {
  const { code, out, err } = await startResgen(cli, args);
  expect(code, err).toBe(0);
  return out;
}

const codesOf = (file: string): number[] => [...readTokenFile(readFileSync(file)).codes];
/** Of the cells of the grid, those that pass. */
const cells = (codes: number[], passes: (position: number, depth: number) => boolean): number[] =>
  codes.filter((_, n) => passes(Math.floor(n / D), (n % D) + 1));

describe('resgen tokens', PROCESSES, () => {
  it('shows the codes of a token file, and of the picture that it is beside', async () => {
    const shown = JSON.parse(await resgen('tokens', 'show', a, '--json')) as { codes: number[][]; grid: number[] };
    expect(shown).toMatchObject({ file: a, L, D, V: 16, grid: [2, 2], model: { id: 'tiny' } });
    expect(shown.codes.flat()).toEqual(codesOf(a));
    const beside = JSON.parse(await resgen('tokens', 'show', a.replace('.safetensors', '.png'), '--json')) as { codes: number[][] };
    expect(beside.codes).toEqual(shown.codes);
    const text = await resgen('tokens', 'show', a);
    expect(text.split('\n')[1]?.split(/ +/)).toEqual(['position', '1', '2', '3', '4']);
    expect(text.split('\n')[2]?.trim().split(/ +/)).toEqual(['0', ...codesOf(a).slice(0, D).map(String)]);
  });

  it('counts how files use the codebooks', async () => {
    const stats = JSON.parse(await resgen('tokens', 'stats', a, b, '--json')) as {
      depths: { depth: number; used: number; perplexity: number; residual: number }[];
    };
    expect(stats).toMatchObject({ items: 2, positions: 2 * L });
    expect(stats.depths.map(({ depth }) => depth)).toEqual([1, 2, 3, 4]);
    const [codesA, codesB] = [codesOf(a), codesOf(b)];
    for (const { depth, used, perplexity } of stats.depths) {
      const there = [codesA, codesB].flatMap((codes) => cells(codes, (_, d) => d === depth));
      expect(used).toBe(new Set(there).size);
      expect(perplexity).toBeGreaterThan(1);
      expect(perplexity).toBeLessThanOrEqual(used + 1e-6);
    }
    // The last depth leaves nothing of the sum of all depths.
    expect(stats.depths[D - 1]?.residual).toBeCloseTo(0, 6);
  });

  it('compares two files', async () => {
    expect(await resgen('tokens', 'diff', a, a)).toContain('have the same 16 tokens');
    const diff = JSON.parse(await resgen('tokens', 'diff', a, b, '--json')) as { total: number; perDepth: number[] };
    const [codesA, codesB] = [codesOf(a), codesOf(b)];
    expect(diff.total).toBe(codesA.filter((code, n) => code !== codesB[n]).length);
    expect(diff.perDepth.reduce((x, y) => x + y, 0)).toBe(diff.total);
  });
});

describe('resgen tokens export', PROCESSES, () => {
  it('writes tokens, all depths as one picture, and says what it can’t', async () => {
    const folder = temporaryFolder();
    const [npy, strip, animation] = ['a.npy', 'depths.png', 'a.webp'].map((name) => join(folder, name)) as [string, string, string];
    await resgen('tokens', 'export', a, '--out', npy);
    expect(await resgen('tokens', 'diff', npy, a, '--model', 'tiny')).toContain('have the same 16 tokens');
    await resgen('tokens', 'export', a, '--out', strip);
    // Four depths of 16 pixels, two by two.
    expect(await sharp(strip).metadata()).toMatchObject({ format: 'png', width: 32, height: 32 });
    const refused = await startResgen(cli, ['tokens', 'export', a, '--out', animation]);
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('nothing to replay') as string });
  });

  it('writes a table, and the unmasking as an animation', async () => {
    const folder = temporaryFolder();
    const inFolder = (name: string): string => join(folder, name);
    await resgen('tokens', 'export', a, '--out', inFolder('a.csv'));
    const [names, ...rows] = readFileSync(inFolder('a.csv'), 'utf8').trim().split('\r\n');
    expect(names).toBe('position,depth 1,depth 2,depth 3,depth 4');
    expect(rows.map((row) => row.split(',').slice(1).map(Number)).flat()).toEqual(codesOf(a));

    // Only what a generator made has steps to show.
    await resgen('edit', a, '--resample-below', '0', '--seed', '4', '--out', inFolder('made.safetensors'));
    for (const format of ['webp', 'gif']) {
      await resgen('tokens', 'export', inFolder('made.safetensors'), '--out', inFolder(`made.${format}`));
      const { format: kind, pages = 0, delay } = await sharp(inFolder(`made.${format}`), { animated: true }).metadata();
      expect(kind).toBe(format);
      expect(pages).toBeGreaterThan(1);
      expect(delay?.at(-1)).toBeGreaterThanOrEqual(1500);
    }
  });

  it('writes the depths of a sound one after another, as a WAV that says that it is synthetic', async () => {
    const folder = temporaryFolder();
    const [clip, tokens, strip] = ['clip.wav', 'clip.safetensors', 'depths.wav'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const codec = { RESGEN_MODELS: CODECS };
    writeFileSync(
      clip,
      toWav(
        Float32Array.from({ length: 800 }, (_, n) => Math.sin(n / 3)),
        8000,
      ),
    );
    expect(await startResgen(cli, ['encode', clip, '--model', 'tiny-codec', '--out', tokens], codec)).toMatchObject({ code: 0 });
    expect(await startResgen(cli, ['tokens', 'export', tokens, '--out', strip], codec)).toMatchObject({ code: 0 });
    const wav = readFileSync(strip);
    expect(fromWav(wav).samples).toHaveLength(4 * 800);
    expect(readMarks(wav).synthetic).toBe(true);
    const misnamed = await startResgen(cli, ['tokens', 'export', tokens, '--out', join(folder, 'depths.png')], codec);
    expect(misnamed).toMatchObject({ code: 2, err: expect.stringContaining('are written as .wav. Rename') as string });
    // An edit of what was only encoded is heard too.
    const edited = join(folder, 'zero.wav');
    expect(await startResgen(cli, ['edit', tokens, '--zero', '4', '--out', edited], codec)).toMatchObject({ code: 0 });
    expect(fromWav(readFileSync(edited)).samples).toHaveLength(800);
    expect(readMarks(readFileSync(edited)).synthetic).toBe(true);
  });
});

describe('resgen edit', PROCESSES, () => {
  it('swaps depths: at 0 it is the other file, at all depths the file itself', async () => {
    const folder = temporaryFolder();
    for (const at of [0, 2, D]) {
      const out = join(folder, `swap-${at}.safetensors`);
      expect(await resgen('edit', a, '--swap', b, '--at', String(at), '--out', out)).toBe(`${out}\n`);
      const [codes, codesA, codesB] = [codesOf(out), codesOf(a), codesOf(b)];
      expect(codes).toEqual(codesA.map((code, n) => ((n % D) + 1 <= at ? code : codesB[n])));
    }
    expect(readTokenFile(readFileSync(join(folder, 'swap-2.safetensors'))).recipe).toMatchObject({
      verb: 'edit',
      edit: { kind: 'swap', at: 2 },
      parents: [{}, {}],
    });
  });

  it('blends: at 0 it is the file itself, at 1 the other; zeroes a depth and keeps the others', async () => {
    const folder = temporaryFolder();
    const made = async (name: string, ...edit: string[]): Promise<number[]> => {
      const out = join(folder, `${name}.safetensors`);
      await resgen('edit', a, ...edit, '--out', out);
      expect(readTokenFile(readFileSync(out)).recipe.edit?.kind).toBe(edit[0] === '--zero' ? 'zeroDepth' : 'blend');
      return codesOf(out);
    };
    expect(await made('none', '--blend', b, '--alpha', '0')).toEqual(codesOf(a));
    expect(await made('all', '--blend', b, '--alpha', '1')).toEqual(codesOf(b));
    const half = await made('half', '--blend', b, '--alpha', '0.5');
    expect(half).not.toEqual(codesOf(a));
    expect(half).not.toEqual(codesOf(b));

    const zeroed = await made('zero', '--zero', '2');
    const others = (codes: number[]): number[] => cells(codes, (_, depth) => depth !== 2);
    expect(others(zeroed)).toEqual(others(codesOf(a)));
    expect(new Set(cells(zeroed, (_, depth) => depth === 2)).size).toBe(1);
  });

  it('generates the least confident anew of what has been generated, and says why it can’t of other tokens', async () => {
    const folder = temporaryFolder();
    const [made, mended] = ['made.safetensors', 'mended.safetensors'].map((name) => join(folder, name)) as [string, string];
    await resgen('edit', a, '--resample-below', '0', '--seed', '4', '--out', made);
    await resgen('edit', made, '--least-confident', '25', '--seed', '6', '--out', mended);
    const [before, after] = [made, mended].map((file) => readTokenFile(readFileSync(file)));
    const again = [...(after?.revealedAt ?? [])].flatMap((step, n) => (step > 0 ? [n] : []));
    expect(again).toHaveLength((L * D) / 4);
    for (let n = 0; n < L * D; n++) {
      if (again.includes(n)) continue;
      expect(after?.codes[n]).toBe(before?.codes[n]);
      // What stayed is as sure as it was.
      expect(after?.confidence?.[n]).toBe(before?.confidence?.[n]);
    }
    const staying = [...(before?.confidence ?? [])].filter((_, n) => !again.includes(n));
    const freed = again.map((n) => before?.confidence?.[n] ?? 0);
    expect(Math.max(...freed)).toBeLessThanOrEqual(Math.min(...staying));
    const refused = await startResgen(cli, ['edit', a, '--least-confident', '25', '--out', join(folder, 'none.safetensors')]);
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('they have no confidence to go by') as string });
  });

  it('generates anew below a depth or at positions, and keeps the rest; a seed does it again', async () => {
    const folder = temporaryFolder();
    const [below, again, inpainted] = ['below', 'again', 'inpainted'].map((name) => join(folder, `${name}.safetensors`)) as [
      string,
      string,
      string,
    ];
    await resgen('edit', a, '--resample-below', '1', '--seed', '3', '--out', below);
    await resgen('edit', a, '--resample-below', '1', '--seed', '3', '--out', again);
    const coarse = (codes: number[]): number[] => cells(codes, (_, depth) => depth === 1);
    expect(coarse(codesOf(below))).toEqual(coarse(codesOf(a)));
    expect(codesOf(below)).not.toEqual(codesOf(a));
    expect(codesOf(again)).toEqual(codesOf(below));

    await resgen('edit', a, '--inpaint', '1-2', '--seed', '5', '--out', inpainted);
    const outside = (codes: number[]): number[] => cells(codes, (position) => position !== 1 && position !== 2);
    expect(outside(codesOf(inpainted))).toEqual(outside(codesOf(a)));
    expect(codesOf(inpainted)).not.toEqual(codesOf(a));
  });

  it('sets codes, and writes a picture or a table of what comes of it', async () => {
    const folder = temporaryFolder();
    const [tokens, picture, table] = ['set.safetensors', 'set.png', 'set.csv'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const set = ['edit', a, '--set', '0,1=5', '--set', '3,4=9'];
    await resgen(...set, '--out', tokens);
    expect(codesOf(tokens)).toEqual(codesOf(a).map((code, n) => (n === 0 ? 5 : n === 15 ? 9 : code)));
    await resgen(...set, '--out', picture);
    expect(await sharp(picture).metadata()).toMatchObject({ format: 'png', width: 16 });
    await resgen(...set, '--out', table);
    expect(readFileSync(table, 'utf8')).toContain('5');
    // Before any work.
    const again = await startResgen(cli, [...set, '--out', table]);
    expect(again).toMatchObject({ code: 2, out: '', err: `${table} is there already. Choose another place, or --overwrite it.\n` });
  });

  it.each([
    [[], /Name one edit/],
    [['--zero', '1', '--resample-below', '2'], /Name one edit/],
    [['--swap', 'b.safetensors'], /--swap needs --at/],
    [['--blend', 'b.safetensors'], /--blend needs --alpha/],
    [['--inpaint', '3-1'], /Write positions like/],
    [['--set', '1=2'], /Write it like 12,3=841/],
    [['--zero', '9'], /depth/i],
  ])('%j is wrong use', async (args, sentence) => {
    const folder = temporaryFolder();
    const out = join(folder, 'out.safetensors');
    const result = await startResgen(cli, ['edit', a, ...args, '--out', out]);
    expect(result.err).toMatch(sentence);
    expect(result.code).toBe(2);
  });

  it('stops on Ctrl-C with code 130, and leaves nothing behind', async () => {
    const [folder, temporary] = [temporaryFolder(), temporaryFolder()];
    const out = join(folder, 'out.safetensors');
    const running = startResgen(cli, ['edit', a, '--resample-below', '1', '--out', out], { TMPDIR: temporary });
    await running.says(/Loading the model/, 'stderr');
    running.child.kill('SIGINT');
    const { code, out: said, err } = await running;
    expect(code, err).toBe(130);
    expect(err).toContain('Stopped. Nothing was written.');
    expect(said).toBe('');
    expect(readdirSync(folder)).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('asks for a name that it knows how to write', async () => {
    const { code, err } = await startResgen(cli, ['edit', 'a.safetensors', '--zero', '1', '--out', 'a.txt']);
    expect(err).toMatch(/a\.txt must end in one of \.safetensors, \.npy, \.csv, \.png, \.wav, \.flac, \.mp3/);
    expect(code).toBe(2);
  });
});
