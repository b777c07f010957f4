import { randomInt } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { basename, extname, join, parse } from 'node:path';
import { type EventPayload, type Job, type ParamsInput, type SoundFormat, StudioError, type Voice } from '../contract/index.js';
import type { Studio } from '../studio/index.js';
import { conclude, followJob } from './follow-job.js';
import { type Host, ask, takePreferences, withStudio } from './host.js';
import { copyAsset, manifestOf, saveTokens } from './image.js';
import { ProgressLine, duration, exitCodes, printResult } from './output.js';
import { samplingOf } from './sampling.js';
import { alreadyThere, formatOf } from './target.js';
import { readInput } from './token-input.js';
import { findVoice } from './voices.js';

const SOUND_FORMATS: Readonly<Record<string, SoundFormat>> = { '.wav': 'wav', '.flac': 'flac', '.mp3': 'mp3' };

interface SpeakOptions {
  model: string;
  voice: string;
  text?: string;
  file?: string;
  seed?: number;
  steps?: number;
  preset?: string;
  set: string[];
  speed: number;
  out: string;
  overwrite: boolean;
  tokens: boolean;
  recipe: boolean;
  consent?: string;
  json: boolean;
}

/**
 * `resgen speak`: a text as one sound file. A voice is asked for by its name in the person's library; the clip of somebody who agrees will
 * do as well, and is then kept nowhere. Either way words are said and recipes go along as the person has chosen in the studio. Each sentence has
 * tokens of its own, and with `--tokens` a file of them beside the sound.
 */
export async function speak(host: Host, options: SpeakOptions): Promise<number> {
  const format = formatOf(options.out, SOUND_FORMATS);
  if (!options.overwrite && existsSync(options.out)) throw alreadyThere(options.out);
  const text = await textOf(options);
  // A file “Ada” without an ending, or a folder of that name, is no clip: the voice is meant.
  const isClip = extname(options.voice) !== '' && (statSync(options.voice, { throwIfNoEntry: false })?.isFile() ?? false);
  return withStudio(host, !isClip, async (studio) => {
    if (isClip) await takePreferences(host, studio);
    const manifest = await manifestOf(studio, options.model);
    const sampling = samplingOf(manifest, options.preset, options.steps, options.set);
    const voice = isClip ? await addClip(studio, options) : await findVoice(studio, options.voice);
    const request = {
      model: options.model,
      voice: voice.id,
      text,
      seed: options.seed ?? randomInt(2 ** 32),
      sampling,
      speed: options.speed,
    };
    if (options.tokens && !options.overwrite) await refuseExisting(studio, request, options.out);
    return say(studio, request, options, format);
  });
}

async function textOf({ text, file }: SpeakOptions): Promise<string> {
  if ((text === undefined) === (file === undefined))
    throw new StudioError('bad-request', 'Say what is to be spoken, with --text or with --file, and not with both.');
  return text ?? (await readInput(file ?? '')).toString('utf8');
}

/** Before the first sentence: an hour's work should not end on a file that was there all the time. */
async function refuseExisting(studio: Studio, { model, text, speed }: ParamsInput<'speech.say'>, out: string): Promise<void> {
  const { sentences } = await ask(studio, 'speech.plan', { model, text, speed });
  const there = sentences.map((_, n) => tokensOf(out, n, sentences.length)).find((file) => existsSync(file));
  if (there !== undefined) throw alreadyThere(there);
}

/** Where the tokens of a sentence go: `hello.safetensors` beside `hello.wav`, or of several `hello-1.safetensors` and so on. */
function tokensOf(out: string, sentence: number, sentences: number): string {
  const { dir, name } = parse(out);
  return join(dir, `${name}${sentences > 1 ? `-${sentence + 1}` : ''}.safetensors`);
}

async function addClip(studio: Studio, { voice, consent }: SpeakOptions): Promise<Voice> {
  const file = { name: basename(voice), bytes: new Uint8Array(await readInput(voice)) };
  return ask(studio, 'voices.add', { name: basename(voice, extname(voice)).slice(0, 60) || 'Voice', file, region: null, consent });
}

async function say(
  studio: Studio,
  request: ParamsInput<'speech.say'>,
  { out, overwrite, tokens, recipe, json }: SpeakOptions,
  format: SoundFormat,
): Promise<number> {
  const line = new ProgressLine();
  const started = performance.now();
  try {
    const job = await followJob(studio, () => ask(studio, 'speech.say', request), {
      onProgress: (progress, current) => line.show(describe(progress, current)),
    });
    line.clear();
    const code = conclude(job, 'sentences', duration((performance.now() - started) / 1000));
    if (code !== exitCodes.done) return code;
    const { seconds, sentences } = await ask(studio, 'speech.take', { job: job.id });
    const exported = await ask(studio, 'speech.export', { job: job.id, index: null, format, recipe });
    await copyAsset(studio, exported.url, out, overwrite);
    const said: { text: string; start: number | null; seconds: number | null; tokens?: string }[] = [];
    for (const [n, { text, start, seconds: length, item }] of sentences.entries()) {
      const file = tokens && item ? tokensOf(out, n, sentences.length) : undefined;
      if (item && file !== undefined) await saveTokens(studio, item, { file, overwrite, recipe });
      said.push({ text, start, seconds: length, ...(file !== undefined && { tokens: file }) });
    }
    printResult(json, { file: out, seconds, seed: request.seed, model: request.model, sampling: request.sampling, sentences: said }, out);
    return exitCodes.done;
  } finally {
    line.clear();
  }
}

function describe({ step, steps, secondsLeft }: EventPayload<'progress'>, { done, total }: Job): string {
  const left = secondsLeft === null ? '' : `, ${duration(secondsLeft)} left`;
  return `${done} of ${total} sentences, step ${step} of ${steps}${left}`;
}
