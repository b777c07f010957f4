import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  type Item,
  type Job,
  LIMITS,
  type Manifest,
  type ParamsInput,
  Seed,
  Speed,
  SoundFormat,
  SpeechRequest,
  StudioError,
  type Voice,
  assets,
  explain,
} from '../contract/index.js';
import type { Asset, Studio } from '../studio/index.js';

/** Why a request without the right key goes no further. */
export interface KeyProblem {
  status: number;
  message: string;
}

const MAX_PICTURES = LIMITS.server.limits.picturesPerCall.value;

/**
 * Body of `POST /v1/images/generations`, as OpenAI's clients send it. The prompt is the name of a class. What has no meaning here is taken
 * and ignored, as long as it asks for nothing that would come out otherwise.
 */
export const ImageGeneration = z.object({
  model: z.string().max(64).optional(),
  prompt: z.string().min(1).max(80),
  n: z.int().min(1).max(MAX_PICTURES).nullish(),
  /** `auto`, or the size of the model. */
  size: z.string().max(16).nullish(),
  quality: z.enum(['auto', 'low', 'medium', 'high', 'standard', 'hd']).nullish(),
  response_format: z.enum(['b64_json', 'url']).nullish(),
  output_format: z.enum(['png', 'jpeg', 'webp']).nullish(),
  stream: z.boolean().nullish(),
  /** Ours: the same seed makes the same picture again. */
  seed: Seed.optional(),
});
type ImageGeneration = z.infer<typeof ImageGeneration>;

/** Body of `POST /v1/audio/speech`. The voice is the name of one of the studio's; clients that leave the format out get an MP3, as from OpenAI. */
export const SpeechGeneration = z.object({
  model: z.string().max(64).optional(),
  input: SpeechRequest.shape.text,
  voice: z.string().min(1).max(LIMITS.voices.limits.name.value),
  response_format: z.enum(['wav', 'mp3', 'opus', 'aac', 'flac', 'pcm']).nullish(),
  speed: Speed.nullish(),
  stream_format: z.enum(['audio', 'sse']).nullish(),
  /** Ours: the same seed says the text in the same way again. */
  seed: Seed.optional(),
});
type SpeechGeneration = z.infer<typeof SpeechGeneration>;

const PRESETS = { low: 'fast', medium: 'balanced', standard: 'balanced', high: 'best', hd: 'best' } as const;

const ENDED: ReadonlySet<Job['state']> = new Set(['done', 'failed', 'cancelled']);

const STATUS: Partial<Record<StudioError['code'], number>> = {
  'bad-request': 400,
  'not-found': 404,
  refused: 403,
  'bad-model': 400,
  'no-consent': 403,
};

/** `/v1/…` for clients of the OpenAI API. `keyProblem` is asked before anything else. */
export function addOpenAiRoutes(app: FastifyInstance, studio: Studio, keyProblem: (request: FastifyRequest) => KeyProblem | null): void {
  const onRequest = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const problem = keyProblem(request);
    if (problem) await fail(reply, problem.status, problem.message);
  };
  const answer =
    (work: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>) => async (request: FastifyRequest, reply: FastifyReply) => {
      try {
        return await work(request, reply);
      } catch (error) {
        const { code, message } = StudioError.from(error);
        return fail(reply, STATUS[code] ?? 500, message);
      }
    };

  app.get(
    '/v1/models',
    { onRequest },
    answer(async () => ({
      object: 'list',
      data: (await generators(studio)).map(({ id }) => ({ id, object: 'model', created: 0, owned_by: 'resgen' })),
    })),
  );

  app.post(
    '/v1/images/generations',
    { onRequest },
    answer(async (request, reply) => {
      const body = ImageGeneration.safeParse(request.body);
      if (!body.success) throw new StudioError('bad-request', `The request can't be used: ${explain(body.error)}.`);
      const left = new AbortController();
      reply.raw.once('close', () => left.abort());
      const items = await generate(studio, body.data, left.signal);
      const data = await Promise.all(items.map(async ({ id }) => ({ b64_json: await pictureOf(studio, id) })));
      return { created: Math.floor(Date.now() / 1000), data };
    }),
  );

  app.post(
    '/v1/audio/speech',
    { onRequest },
    answer(async (request, reply) => {
      const body = SpeechGeneration.safeParse(request.body);
      if (!body.success) throw new StudioError('bad-request', `The request can't be used: ${explain(body.error)}.`);
      const left = new AbortController();
      reply.raw.once('close', () => left.abort());
      const { file, contentType } = await speak(studio, body.data, left.signal);
      return reply.type(contentType).send(await readFile(file));
    }),
  );
}

async function generators(studio: Studio, kind?: Manifest['kind']): Promise<Manifest[]> {
  const reply = await studio.call('models.list', null);
  if (!reply.ok) throw new StudioError(reply.error.code, reply.error.message);
  return reply.value.flatMap(({ manifest }) => (manifest?.files.step && (kind ?? manifest.kind) === manifest.kind ? [manifest] : []));
}

/** Makes the pictures as a job like any other. A client that hangs up cancels it. */
async function generate(studio: Studio, body: ImageGeneration, left: AbortSignal): Promise<Item[]> {
  const manifest = await modelOf(studio, body);
  const preset = manifest.presets.find(({ id }) => id === presetOf(body, manifest)) ?? manifest.presets[0];
  if (!preset) throw new StudioError('bad-model', `The model “${manifest.id}” has no settings to sample with. Choose another one.`);
  const { items } = await jobEnd(studio, left, 'jobs.create', {
    model: manifest.id,
    classes: [classOf(body.prompt, manifest)],
    count: body.n ?? 1,
    seed: body.seed ?? randomInt(2 ** 32),
    sampling: preset.sampling,
  });
  return items;
}

/** Says the text as a job like any other: the file of the whole. */
async function speak(studio: Studio, body: SpeechGeneration, left: AbortSignal): Promise<Asset> {
  const format = SoundFormat.safeParse(body.response_format ?? 'mp3');
  if (!format.success || body.stream_format === 'sse') {
    throw new StudioError(
      'bad-request',
      `The studio answers with whole files. Ask for a response_format of ${SoundFormat.options.join(', ')}, without events.`,
    );
  }
  const usable = await generators(studio, 'speech');
  const manifest = body.model === undefined ? usable[0] : usable.find(({ id }) => id === body.model);
  if (!manifest) throw noModel(body.model, 'speaks', usable);
  const preset = manifest.presets.find(({ id }) => id === manifest.defaultPreset) ?? manifest.presets[0];
  if (!preset) throw new StudioError('bad-model', `The model “${manifest.id}” has no settings to sample with. Choose another one.`);
  const job = await jobEnd(studio, left, 'speech.say', {
    model: manifest.id,
    voice: (await voiceOf(studio, body.voice)).id,
    text: body.input,
    seed: body.seed ?? randomInt(2 ** 32),
    sampling: preset.sampling,
    speed: body.speed ?? 1,
  });
  const exported = await studio.call('speech.export', { job: job.id, index: null, format: format.data });
  if (!exported.ok) throw new StudioError(exported.error.code, exported.error.message);
  const asset = await studio.asset(exported.value.url);
  if (!asset) throw new StudioError('bad-file', 'A sound that was just made is gone. Ask again.');
  return asset;
}

async function voiceOf(studio: Studio, name: string): Promise<Voice> {
  const reply = await studio.call('voices.list', null);
  if (!reply.ok) throw new StudioError(reply.error.code, reply.error.message);
  const voices = reply.value.filter(({ deletedAt }) => deletedAt === null);
  const found = voices.find((voice) => voice.name.toLowerCase() === name.trim().toLowerCase());
  if (found) return found;
  const names = voices.map((voice) => voice.name).join(', ');
  throw new StudioError('not-found', `There is no voice “${name}” here. ${names ? `There is: ${names}.` : 'Add one in the studio first.'}`);
}

function noModel(wanted: string | undefined, does: string, usable: readonly Manifest[]): StudioError {
  const ids = usable.map(({ id }) => id).join(', ');
  return new StudioError(
    'not-found',
    `There is no model “${wanted ?? ''}” here that ${does}. ${ids ? `There is: ${ids}.` : 'Add a package first.'}`,
  );
}

/** The job once it is done, with its items in the order of their seeds. @throws StudioError where it ended otherwise */
async function jobEnd<N extends 'jobs.create' | 'speech.say'>(
  studio: Studio,
  left: AbortSignal,
  call: N,
  request: ParamsInput<N>,
): Promise<Job & { items: Item[] }> {
  const items: Item[] = [];
  const ended: Job[] = [];
  let wake = (): void => undefined;
  // Before the job is made: its events may come before the answer does.
  const stop = studio.subscribe((event) => {
    if (event.name === 'itemAdded') items.push(event.payload);
    else if (event.name === 'job' && ENDED.has(event.payload.state)) ended.push(event.payload);
    else return;
    wake();
  });
  try {
    const created = await studio.call<'jobs.create' | 'speech.say'>(call, request);
    if (!created.ok) throw new StudioError(created.error.code, created.error.message);
    const { id } = created.value;
    left.addEventListener('abort', () => void studio.call('jobs.cancel', { id }));
    for (;;) {
      const job = ended.find((candidate) => candidate.id === id);
      if (job?.state === 'failed') throw new StudioError('internal', job.error ?? 'The job failed. Try again.');
      if (job?.state === 'cancelled') throw new StudioError('cancelled', 'The job was cancelled in the studio. Ask again.');
      if (job)
        return { ...job, items: items.filter((item) => item.jobId === id).sort((a, b) => (a.recipe.seed ?? 0) - (b.recipe.seed ?? 0)) };
      await new Promise<void>((go) => (wake = go));
    }
  } finally {
    stop();
  }
}

async function modelOf(studio: Studio, { model, size, response_format, output_format, stream }: ImageGeneration): Promise<Manifest> {
  if (response_format === 'url' || stream === true || (output_format && output_format !== 'png')) {
    throw new StudioError(
      'bad-request',
      'The studio answers with whole PNG pictures in base64. Ask for response_format "b64_json" without stream.',
    );
  }
  const usable = await generators(studio, 'image');
  const found = model === undefined ? usable[0] : usable.find(({ id }) => id === model);
  if (!found) {
    throw noModel(model, 'makes pictures', usable);
  }
  const side = found.image?.size ?? 0;
  if (size && size !== 'auto' && size !== `${side}x${side}`) {
    throw new StudioError('bad-request', `The model “${found.id}” makes pictures of ${side}x${side}. Leave size out, or ask for that.`);
  }
  return found;
}

const presetOf = ({ quality }: ImageGeneration, { defaultPreset }: Manifest): string =>
  quality && quality !== 'auto' ? PRESETS[quality] : defaultPreset;

/** Programs write class names in their own case; what is not one of them is answered by the studio, with those that are near. */
function classOf(prompt: string, { classes }: Manifest): string {
  const wanted = prompt.trim().toLowerCase();
  return classes.find((name) => name.toLowerCase() === wanted) ?? prompt.trim();
}

async function pictureOf(studio: Studio, id: string): Promise<string> {
  const asset = await studio.asset(assets.picture(id));
  if (!asset) throw new StudioError('bad-file', 'A picture that was just made is gone. Ask again.');
  return (await readFile(asset.file)).toString('base64');
}

/** As OpenAI's API says it, so that clients show the sentence. */
function fail(reply: FastifyReply, status: number, message: string): FastifyReply {
  const type =
    status === 401 ? 'authentication_error' : status === 429 ? 'rate_limit_error' : status < 500 ? 'invalid_request_error' : 'server_error';
  return reply
    .code(status)
    .type('application/json; charset=utf-8')
    .send({ error: { message, type, param: null, code: null } });
}
