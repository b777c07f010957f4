import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { get as httpsGet } from 'node:https';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { readTokenFile } from '../../../src/engine/tokens.js';
import { readRecipe } from '../../../src/studio/recipe-file.js';
import { openStudio, temporaryFolder } from '../studio/support.js';
import { buildCommandLine } from './build.js';
import { FIXTURES, type Started, startResgen } from './harness.js';

let cli = '';
beforeAll(async () => {
  cli = await buildCommandLine('cli');
}, 60_000);

const resgen = (args: string[], environment: Record<string, string> = {}): Started => startResgen(cli, args, environment);

const NO_STACK = /^(?!.*\n\s+at )/s;

describe('resgen', () => {
  it('explains itself with examples', async () => {
    const { code, out } = await resgen(['--help']);
    expect(code).toBe(0);
    expect(out).toContain('resgen image --class Banana --count 4 --seed 42 --out pictures');
    expect(out).toContain('Exit codes: 0 done, 1 failed, 2 wrong use, 130 interrupted');
    expect((await resgen(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it.each(['image', 'decode', 'encode', 'models', 'doctor', 'serve'])('explains %s with examples', async (name) => {
    const { code, out } = await resgen([name, '--help']);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`Examples:\\n {2}resgen ${name}`));
  });

  it.each([
    [['image'], /required option '--class/],
    [['image', '--class', 'Circle', '--count', 'x'], /whole number/],
    [['image', '--model', 'tiny', '--class', 'Circel'], /has no class “Circel”\. Did you mean “Circle”\?/],
    [['image', '--model', 'tiny', '--class', 'Circle', '--count', '0'], /Count must be at least 1/],
    [['image', '--model', 'tiny', '--class', 'Circle', '--count', '10000'], /Count must be at most 1,000/],
    [['image', '--model', 'nothing', '--class', 'Circle'], /There is no model “nothing”\. There is: tiny\./],
    [['image', '--model', 'tiny', '--class', 'Circle', '--set', 'warp=9'], /“warp=9” sets no knob\. .*guidanceFrom/],
    [['image', '--model', 'tiny', '--class', 'Circle', '--set', 'topP=7'], /The sampler can't be set so: topP/],
    [['image', '--model', 'tiny', '--class', 'Circle', '--preset', 'worst'], /fast, balanced, best/],
    [['serve', '--host', '0.0.0.0'], /--allow-remote/],
    [['decode', '/nowhere.safetensors', '--out', 'x.png'], /there is no such file/],
    [['paint'], /unknown command/],
  ])('%j is wrong use: code 2 and a sentence, no stack', async (args, sentence) => {
    const out = temporaryFolder();
    const result = await resgen(args[0] === 'image' ? [...args, '--out', out] : args);
    expect(result.err).toMatch(sentence);
    expect(result.err).toMatch(NO_STACK);
    expect(result).toMatchObject({ code: 2, out: '' });
    expect(readdirSync(out)).toEqual([]);
  });
});

describe('resgen image', () => {
  const image = (out: string, ...args: string[]): Started => resgen(['image', '--model', 'tiny', '--out', out, '--seed', '7', ...args]);

  it('writes DIR/<class>/<seed>.png with recipes, and a JSON line for each', async () => {
    const out = temporaryFolder();
    const data = temporaryFolder();
    const {
      code,
      out: lines,
      err,
    } = await resgen(
      [
        'image',
        '--model',
        'tiny',
        '--out',
        out,
        '--seed',
        '7',
        '--class',
        'Circle',
        'Square',
        '--count',
        '2',
        '--steps',
        '3',
        '--set',
        'tau=1',
        '--tokens',
        '--json',
      ],
      { RESGEN_DATA: data },
    );
    expect(code, err).toBe(0);
    const results = lines
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(results).toMatchObject([
      { file: join(out, 'Circle', '7.png'), class: 'Circle', seed: 7, model: { id: 'tiny' }, sampling: { steps: 3, tau: 1 } },
      { file: join(out, 'Circle', '8.png') },
      { file: join(out, 'Square', '7.png') },
      { file: join(out, 'Square', '8.png') },
    ]);
    const png = readFileSync(join(out, 'Circle', '8.png'));
    expect(await sharp(png).metadata()).toMatchObject({ width: 16, height: 16 });
    expect(await readRecipe('8.png', png)).toMatchObject({ className: 'Circle', seed: 8, sampling: { steps: 3, tau: 1 } });
    expect(readTokenFile(readFileSync(join(out, 'Circle', '8.safetensors')))).toMatchObject({ L: 4, D: 4, model: 'tiny' });
    expect(err).toMatch(/Made 4 of 4 pictures/);
    // The person's library was not touched.
    expect(readdirSync(data)).toEqual([]);
  });

  it('makes the same picture again from the same seed, in whatever batch', async () => {
    const [a, b] = [temporaryFolder(), temporaryFolder()];
    await image(a, '--class', 'Circle', '--count', '3', '--batch', '3', '--no-recipe');
    await image(b, '--class', 'Circle', '--count', '3', '--batch', '1', '--no-recipe');
    for (const seed of [7, 8, 9]) {
      expect(readFileSync(join(a, 'Circle', `${seed}.png`)).equals(readFileSync(join(b, 'Circle', `${seed}.png`)))).toBe(true);
    }
    expect(readFileSync(join(a, 'Circle', '7.png')).includes('Circle')).toBe(false);
  });

  it('leaves recipes out as the person has chosen in the studio, unless told otherwise', { timeout: 120_000 }, async () => {
    const [out, data] = [temporaryFolder(), temporaryFolder()];
    const [picture, tokens] = ['png', 'safetensors'].map((ending) => join(out, 'Circle', `7.${ending}`)) as [string, string];
    const make = (...args: string[]): Started =>
      resgen(['image', '--model', 'tiny', '--class', 'Circle', '--seed', '7', '--steps', '3', '--tokens', '--out', out, ...args], {
        RESGEN_DATA: data,
      });
    /** Whether the picture and its tokens say what made them; a picture without a recipe can't be read as one. */
    const say = async (): Promise<boolean[]> => {
      const { className } = readTokenFile(readFileSync(tokens)).recipe;
      const told = await readRecipe('7.png', readFileSync(picture)).catch(() => null);
      return [told?.className === 'Circle', className === 'Circle'];
    };
    const own = openStudio({ data });
    await own.ask('settings.set', { embedRecipe: false });
    const busy = await make();
    expect(busy).toMatchObject({ code: 0, err: expect.stringContaining('--recipe puts it in all the same') as string });
    expect(await say()).toEqual([false, false]);
    await own.studio.close();
    const asChosen = await make('--overwrite');
    expect(asChosen).toMatchObject({ code: 0, err: expect.not.stringContaining('--recipe') as string });
    expect(await say()).toEqual([false, false]);
    expect((await make('--overwrite', '--recipe')).code).toBe(0);
    expect(await say()).toEqual([true, true]);
    expect((await make('--overwrite', '--no-recipe')).code).toBe(0);
    expect(await say()).toEqual([false, false]);

    // The other commands that write files, from tokens that say what made them.
    expect((await make('--overwrite', '--recipe')).code).toBe(0);
    const edited = join(out, 'edited.safetensors');
    for (const [option, className] of [
      [[], undefined],
      [['--recipe'], 'Circle'],
    ] as const) {
      const { code } = await resgen(['edit', tokens, '--zero', '4', '--overwrite', '--out', edited, ...option], { RESGEN_DATA: data });
      expect(code).toBe(0);
      expect(readTokenFile(readFileSync(edited)).recipe.className).toBe(className);
    }
    expect((await resgen(['encode', picture, '--model', 'tiny', '--overwrite', '--out', edited], { RESGEN_DATA: data })).code).toBe(0);
    expect(readTokenFile(readFileSync(edited)).recipe).not.toHaveProperty('source');
  });

  it('writes over nothing unless told to', async () => {
    const out = temporaryFolder();
    expect(await image(out, '--class', 'Circle')).toMatchObject({ code: 0, out: `${join(out, 'Circle', '7.png')}\n` });
    const file = join(out, 'Circle', '7.png');
    writeFileSync(file, 'mine');
    const refused = await image(out, '--class', 'Circle', '--count', '2');
    expect(refused).toMatchObject({ code: 2, out: '' });
    expect(refused.err).toContain(`${file} is there already`);
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect(existsSync(join(out, 'Circle', '8.png'))).toBe(false);
    expect((await image(out, '--class', 'Circle', '--overwrite')).code).toBe(0);
    expect(statSync(file).size).toBeGreaterThan(100);
  });

  it('keeps the pictures in the library with --keep', async () => {
    const [out, data] = [temporaryFolder(), temporaryFolder()];
    expect((await resgen(['--data', data, 'image', '--model', 'tiny', '--class', 'Circle', '--keep', '--out', out])).code).toBe(0);
    expect(readdirSync(join(data, 'items'))).toHaveLength(1);
  });

  it('stops in order on Ctrl-C: what is finished stays, code 130', async () => {
    const out = temporaryFolder();
    const running = image(out, '--class', 'Circle', '--count', '1000', '--batch', '1', '--steps', '255');
    await running.says(/8\.png\n/);
    running.child.kill('SIGINT');
    const { code, out: lines, err } = await running;
    expect(code, err).toBe(130);
    const files = lines.trim().split('\n');
    expect(files.length).toBeLessThan(1000);
    expect(err).toContain(`Stopped after ${files.length} of 1000 pictures`);
    for (const file of files) expect(await sharp(file).metadata()).toMatchObject({ format: 'png' });
    expect(readdirSync(join(out, 'Circle'))).toHaveLength(files.length);
  });

  it('fails with code 1 and a sentence when the package is damaged', async () => {
    const models = temporaryFolder();
    cpSync(join(FIXTURES, 'tiny'), join(models, 'tiny'), { recursive: true });
    const graph = readFileSync(join(models, 'tiny', 'step.onnx'));
    graph[100] = (graph[100] ?? 0) ^ 1;
    writeFileSync(join(models, 'tiny', 'step.onnx'), graph);
    const result = await resgen(['image', '--model', 'tiny', '--class', 'Circle', '--out', temporaryFolder()], { RESGEN_MODELS: models });
    expect(result).toMatchObject({ code: 1, out: '' });
    expect(result.err).toContain('step.onnx is not the file the package was made with');
    expect(result.err).toMatch(NO_STACK);
  });
});

describe('resgen encode and decode', () => {
  it('turn a picture into tokens and tokens into a picture, at any depth', async () => {
    const folder = temporaryFolder();
    const [photo, tokens, full, coarse] = ['photo.jpg', 'photo.safetensors', 'full.png', 'coarse.png'].map((name) =>
      join(folder, name),
    ) as [string, string, string, string];
    await sharp({ create: { width: 40, height: 30, channels: 3, background: '#3070c0' } })
      .jpeg()
      .toFile(photo);
    expect(await resgen(['encode', photo, '--model', 'tiny', '--out', tokens])).toMatchObject({ code: 0, out: `${tokens}\n` });
    expect(readTokenFile(readFileSync(tokens)).recipe).toMatchObject({ verb: 'encode', source: 'photo.jpg' });
    expect((await resgen(['decode', tokens, '--out', full])).code).toBe(0);
    expect((await resgen(['decode', tokens, '--depth', '1', '--out', coarse])).code).toBe(0);
    expect(await sharp(full).metadata()).toMatchObject({ width: 16, format: 'png' });
    expect(readFileSync(full).equals(readFileSync(coarse))).toBe(false);

    const deep = await resgen(['decode', tokens, '--depth', '5', '--out', join(folder, 'x.png')]);
    expect(deep).toMatchObject({ code: 2, err: expect.stringContaining('has 4 depths. Choose a depth from 1 to 4') as string });
    const notTokens = await resgen(['decode', photo, '--out', join(folder, 'x.png')]);
    expect(notTokens.code).toBe(1);
    expect(notTokens.err).toMatch(/^This token file /);
    const notPicture = await resgen(['encode', tokens, '--model', 'tiny', '--out', join(folder, 'x.safetensors')]);
    expect(notPicture).toMatchObject({ code: 1, err: expect.stringContaining('“photo.safetensors” is not a picture') as string });
  });
});

describe('resgen models and doctor', () => {
  it('list, verify and describe what is there', async () => {
    expect((await resgen(['models', 'list'])).out).toMatch(/^id .*\ntiny +0\.1\.0 +image +3 +usable\n$/);
    expect(JSON.parse((await resgen(['models', 'list', '--json'])).out)).toMatchObject({ id: 'tiny', problem: null });
    expect(await resgen(['models', 'verify', 'tiny'])).toMatchObject({ code: 0, out: 'tiny: every file is as the manifest says\n' });
    expect((await resgen(['models', 'card', 'tiny'])).out).toBe(readFileSync(join(FIXTURES, 'tiny', 'card.md'), 'utf8').trimEnd() + '\n');
    expect(await resgen(['models', 'card', 'other'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('There is no model “other”') as string,
    });
  });

  it('write a repository for Triton, and over none that is there unless told to', async () => {
    const folder = join(temporaryFolder(), 'repository');
    const made = await resgen(['export-repository', folder, '--model', 'tiny', '--max-batch', '8']);
    expect(made).toMatchObject({ code: 0, out: 'tiny-step\ntiny-decode\ntiny-encode\n' });
    for (const graph of ['step', 'decode', 'encode']) {
      const model = join(folder, `tiny-${graph}`);
      expect(readFileSync(join(model, '1', 'model.onnx'))).toEqual(readFileSync(join(FIXTURES, 'tiny', `${graph}.onnx`)));
      expect(readFileSync(join(model, 'config.pbtxt'), 'utf8')).toContain(
        `name: "tiny-${graph}"\nbackend: "onnxruntime"\nmax_batch_size: 8\n`,
      );
    }
    const again = await resgen(['export-repository', folder, '--model', 'tiny']);
    expect(again).toMatchObject({
      code: 2,
      err: expect.stringContaining('is there already. Choose another folder, or --overwrite it.') as string,
    });
    expect(await resgen(['export-repository', folder, '--model', 'tiny', '--overwrite'])).toMatchObject({ code: 0 });
    expect(await resgen(['export-repository', folder, '--model', 'tiny', '--max-batch', '0'])).toMatchObject({ code: 2 });
    expect(await resgen(['export-repository', folder, '--model', 'none'])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/no model “none”.*tiny/) as string,
    });
  });

  it('say what works here', async () => {
    const { code, out } = await resgen(['doctor', '--json']);
    const report = JSON.parse(out) as { engine: { probes: { name: string; state: string }[] } };
    expect(report).toMatchObject({
      node: process.version,
      onnxruntime: expect.stringMatching(/^1\./) as string,
      problems: [],
      engine: { state: 'ready', model: 'tiny' },
    });
    expect(report.engine.probes.filter(({ state }) => state === 'active')).toHaveLength(1);
    expect(code).toBe(0);
    const bare = await resgen(['doctor'], { RESGEN_MODELS: temporaryFolder() });
    expect(bare).toMatchObject({ code: 1, err: expect.stringContaining('no usable model') as string });
  });
});

describe('resgen serve', () => {
  it('serves pages under a link with a token until it is interrupted', async () => {
    const running = resgen(['serve', '--port', '0']);
    const [link = ''] = /http:\S+/.exec(await running.says(/#token=\S+\n/)) ?? [];
    const { origin, hash } = new URL(link);
    expect(await (await fetch(origin)).text()).toContain('<title>Studio</title>');
    const token = new URLSearchParams(hash.slice(1)).get('token');
    const signIn = await fetch(`${origin}/sign-in`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token }),
    });
    expect(signIn.status).toBe(200);
    const cookie = signIn.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const info = await fetch(`${origin}/api/app.info`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie },
      body: 'null',
    });
    expect(await info.json()).toMatchObject({ ok: true, value: { host: 'browser' } });
    running.child.kill('SIGINT');
    const { code, err } = await running;
    expect(code, err).toBe(0);
    expect(err).toMatch(/For another browser, open http:\S+#token=/);
  });

  it('serves over HTTPS alone with a certificate and its key, and says what is missing of them', async (context) => {
    const folder = temporaryFolder();
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '1', '-nodes'];
    try {
      execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    } catch {
      context.skip('making a certificate needs openssl');
    }
    const running = resgen(['serve', '--port', '0', '--tls-cert', cert, '--tls-key', key]);
    const [link = ''] = /https:\S+/.exec(await running.says(/#token=\S+\n/)) ?? [];
    const page = await new Promise<string>((done, fail) => {
      const sent = httpsGet(new URL(link).origin, { ca: readFileSync(cert) }, (response) => {
        response.setEncoding('utf8').on('data', (text: string) => done(text));
      });
      sent.on('error', fail);
    });
    expect(page).toContain('<title>Studio</title>');
    await expect(fetch(new URL(link).origin.replace('https', 'http'))).rejects.toThrow();
    running.child.kill('SIGINT');
    expect(await running).toMatchObject({ code: 0 });

    expect(await resgen(['serve', '--tls-cert', cert])).toMatchObject({
      code: 2,
      err: 'A certificate and its key go together. Give both --tls-cert and --tls-key, or neither.\n',
    });
    expect(await resgen(['serve', '--tls-cert', cert, '--tls-key', join(folder, 'none.pem')])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/none\.pem can't be read\. Check its name and its permissions\.\n$/) as string,
    });
    // A file that is there and is no certificate: before the library is opened, and not as a crash.
    const text = join(folder, 'text.pem');
    writeFileSync(text, 'no certificate');
    const wrong = await resgen(['serve', '--port', '0', '--tls-cert', text, '--tls-key', key]);
    expect(wrong).toMatchObject({ code: 2, err: expect.stringMatching(/^The certificate or its key can't be used \(.*\)\. /) as string });
    expect(wrong.err).not.toContain('report');
  });

  it('lets programs in by a key: its own, or one that is long enough', async () => {
    const models = async (origin: string, key: string): Promise<number> =>
      (await fetch(`${origin}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status;
    const running = resgen(['serve', '--port', '0', '--api']);
    const said = await running.says(/API key \S+; /, 'stderr');
    const [, base = '', key = ''] = /base URL (\S+)\/v1, API key (\S+);/.exec(said) ?? [];
    expect(key).toMatch(/^[\w-]{32}$/);
    expect([await models(base, key), await models(base, `${key}x`)]).toEqual([200, 401]);
    running.child.kill('SIGINT');
    expect(await running).toMatchObject({ code: 0 });

    const own = 'a key of my own, with spaces in it';
    expect(await resgen(['serve', '--port', '0', '--api'], { RESGEN_API_KEY: own })).toMatchObject({
      code: 2,
      err: expect.stringContaining('RESGEN_API_KEY must have at least 24 printable characters without spaces') as string,
    });
    const given = resgen(['serve', '--port', '0', '--api'], { RESGEN_API_KEY: own.replaceAll(' ', '-') });
    const told = await given.says(/API key that of RESGEN_API_KEY; /, 'stderr');
    // It is the person's secret: it is not printed.
    expect(told).not.toContain(own.replaceAll(' ', '-'));
    expect(await models(/base URL (\S+)\/v1/.exec(told)?.[1] ?? '', own.replaceAll(' ', '-'))).toBe(200);
    given.child.kill('SIGINT');
    expect(await given).toMatchObject({ code: 0 });
  });

  it('says so when another studio has the data folder, and when the port is taken', async () => {
    const data = temporaryFolder();
    const first = resgen(['serve', '--port', '0'], { RESGEN_DATA: data });
    const said = await first.says(/#token=\S+\n/);
    const second = await resgen(['serve', '--port', '0'], { RESGEN_DATA: data });
    expect(second).toMatchObject({ code: 1, err: expect.stringContaining('Another ResGen Studio is using') as string });
    const port = new URL(/http:\S+/.exec(said)?.[0] ?? '').port;
    const third = await resgen(['serve', '--port', port]);
    expect(third).toMatchObject({ code: 1, err: expect.stringMatching(/port \d+ is in use\). Choose another one with --port/) as string });
  });
});
