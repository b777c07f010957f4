import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import OpenAI from 'openai';
import sharp from 'sharp';
import { describe, expect, it, onTestFinished } from 'vitest';
import { calls } from '../../../src/contract/index.js';
import { startServer } from '../../../src/server/index.js';
import { openStudio, setEnvironment, temporaryFolder } from '../studio/support.js';

const KEY = 'a-key-that-nobody-guesses-0123456789';

async function serve(apiKey?: string) {
  const rendererFolder = join(temporaryFolder(), 'renderer');
  mkdirSync(rendererFolder);
  writeFileSync(join(rendererFolder, 'index.html'), '<!doctype html>');
  const test = openStudio();
  const server = await startServer({
    studio: test.studio,
    rendererFolder,
    host: '127.0.0.1',
    port: 0,
    ...(apiKey !== undefined && { apiKey }),
  });
  onTestFinished(() => server.close());
  const origin = `http://127.0.0.1:${server.port}`;
  const client = (key = KEY): OpenAI => new OpenAI({ baseURL: `${origin}/v1`, apiKey: key, maxRetries: 0 });
  return { origin, test, client };
}

describe("OpenAI's own client", () => {
  it('lists the models and makes pictures, the same for the same seed', async () => {
    const { client, test } = await serve(KEY);
    expect((await client().models.list()).data).toMatchObject([{ id: 'fake', object: 'model' }]);
    const ask = { model: 'fake', prompt: 'apple red', n: 2, size: 'auto', quality: 'auto', seed: 42 } as const;
    const { data } = await client().images.generate(ask);
    expect(data).toHaveLength(2);
    const bytes = Buffer.from(data?.[0]?.b64_json ?? '', 'base64');
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'png', width: 8, height: 8 });
    // The fake engine paints the seed.
    expect((await sharp(bytes).raw().toBuffer())[0]).toBe(42);
    const { items } = await test.ask('items.list', { limit: 10, before: null, kind: null, search: '' });
    expect(items.map((item) => `${item.recipe.className} ${item.recipe.seed}`)).toEqual(['Apple Red 43', 'Apple Red 42']);
  });

  it('gets a sentence for what can not be', async () => {
    const { client } = await serve(KEY);
    const generate = (change: object) => client().images.generate({ prompt: 'Banana', ...change });
    await expect(generate({ prompt: 'Bananna' })).rejects.toThrow(/400 The model “fake” has no class “Bananna”\. Did you mean “Banana”\?/);
    await expect(generate({ model: 'dall-e-3' })).rejects.toThrow(
      /404 There is no model “dall-e-3” here that makes pictures\. There is: fake\./,
    );
    await expect(generate({ size: '1024x1024' })).rejects.toThrow(/400 The model “fake” makes pictures of 8x8/);
    await expect(generate({ response_format: 'url' })).rejects.toThrow(/400 The studio answers with whole PNG pictures in base64/);
    await expect(generate({ n: 99 })).rejects.toThrow(/400 The request can't be used: n: /);
    await expect(client().audio.speech.create({ model: 'any', voice: 'alloy', input: 'Hello' })).rejects.toThrow(
      /404 There is no model “any” here that speaks\. Add a package first\./,
    );
  });

  it('is let in by the key alone, and not without one', async () => {
    const { client } = await serve(KEY);
    await expect(client('wrong').models.list()).rejects.toThrow(/401 This API key is not the one that the studio printed/);
    const closed = await serve();
    await expect(closed.client().models.list()).rejects.toThrow(/401 This studio was started without an API key/);
  });

  it('that hangs up cancels its job', async () => {
    setEnvironment('FAKE_STEP_MS', '200');
    const { client, test } = await serve(KEY);
    const stop = new AbortController();
    const asked = client().images.generate({ prompt: 'Banana', n: 10 }, { signal: stop.signal });
    const job = await test.event('job', (j) => j.state === 'running');
    stop.abort();
    await expect(asked).rejects.toThrow();
    expect(await test.ended(job.id)).toMatchObject({ state: 'cancelled' });
  });
});

describe('a program with the key', () => {
  it('may use every call, and after too many wrong ones has to wait', async () => {
    const { origin } = await serve(KEY);
    const ask = (key: string) =>
      fetch(`${origin}/api/settings.get`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
        body: 'null',
      });
    expect(await (await ask(KEY)).json()).toMatchObject({ ok: true });
    for (let i = 0; i < 20; i++) expect((await ask(`wrong-${i}`)).status).toBe(401);
    const refused = await ask('wrong');
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({ ok: false, error: { message: expect.stringContaining('Wait a minute') as string } });
    expect((await ask(KEY)).status).toBe(429);
  });
});

describe('the OpenAPI document', () => {
  it('has every call, with its parameters as the contract checks them', async () => {
    const { origin } = await serve();
    const document = (await (await fetch(`${origin}/openapi.json`)).json()) as {
      openapi: string;
      paths: Record<string, { post?: { requestBody: { content: { 'application/json': { schema: unknown } } } } }>;
    };
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths).filter((path) => path.startsWith('/api/'))).toEqual(
      Object.keys(calls).map((name) => `/api/${name}`),
    );
    const schema = (path: string) => document.paths[path]?.post?.requestBody.content['application/json'].schema;
    expect(schema('/api/jobs.cancel')).toMatchObject({
      type: 'object',
      properties: { id: { type: 'string', pattern: '^[0-9a-z]{8,40}$' } },
      required: ['id'],
      additionalProperties: false,
    });
    expect(schema('/api/recipe.read')).toMatchObject({ properties: { bytes: { properties: { $bytes: { type: 'string' } } } } });
    // Fields with defaults may be left out.
    expect(schema('/api/items.list')).toMatchObject({ required: ['limit', 'before', 'kind', 'search'] });
  });
});
