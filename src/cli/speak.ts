import { randomInt } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { type EventPayload, type Job, type ParamsInput, type SoundFormat, StudioError, type Voice } from '../contract/index.js';
import type { Studio } from '../studio/index.js';
import { conclude, followJob } from './follow-job.js';
import { type Host, ask, takePreferences, withStudio } from './host.js';
import { copyAsset, manifestOf } from './image.js';
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
  recipe: boolean;
  consent?: string;
  json: boolean;
}

/**
 * `resgen speak`: a text as one sound file. A voice is asked for by its name in the person's library; the clip of somebody who agrees will
 * do as well, and is then kept nowhere. Either way words are said and recipes go along as the person has chosen in the studio.
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
    return say(studio, request, options, format);
  });
}

async function textOf({ text, file }: SpeakOptions): Promise<string> {
  if ((text === undefined) === (file === undefined))
    throw new StudioError('bad-request', 'Say what is to be spoken, with --text or with --file, and not with both.');
  return text ?? (await readInput(file ?? '')).toString('utf8');
}

async function addClip(studio: Studio, { voice, consent }: SpeakOptions): Promise<Voice> {
  const file = { name: basename(voice), bytes: new Uint8Array(await readInput(voice)) };
  return ask(studio, 'voices.add', { name: basename(voice, extname(voice)).slice(0, 60) || 'Voice', file, region: null, consent });
}

async function say(
  studio: Studio,
  request: ParamsInput<'speech.say'>,
  { out, overwrite, recipe, json }: SpeakOptions,
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
    const said = sentences.map(({ text, start, seconds: length }) => ({ text, start, seconds: length }));
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
