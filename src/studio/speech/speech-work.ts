import { type PlannedSentence, type Recipe, type SpeechJob, type Spoken as SaidText, StudioError } from '../../contract/index.js';
import type { ModelPackage } from '../../engine/package.js';
import { phoneNumbers } from '../../engine/speech.js';
import type { Engine, Spoken } from '../engine.js';
import type { StepReply } from '../engine-link.js';
import type { ItemsStore } from '../items-store.js';
import type { Emit, JobWork, Prepared, Running } from '../job-work.js';
import type { JobsStore } from '../jobs-store.js';
import type { Library } from '../library.js';
import type { Models } from '../models.js';
import type { SettingsStore } from '../settings-store.js';
import { TimeLeft } from '../time-left.js';
import type { Voices } from '../voices/voices.js';
import { type Planner, placeInPlan, seedOf, speaking } from './plan.js';
import type { Prompts } from './prompts.js';
import type { StoredPlans } from './stored-plans.js';

interface Parts {
  jobs: JobsStore;
  items: ItemsStore;
  library: Library;
  models: Models;
  voices: Voices;
  settings: SettingsStore;
  engine: Engine;
  planner: Planner;
  plans: StoredPlans;
  prompts: Prompts;
  emit: Emit;
  version: string;
}

interface Said {
  spoken: Spoken;
  ms: number[];
}

/** A text in somebody's voice: one sentence after the other, each kept as soon as it is made. */
export class SpeechWork implements JobWork<SpeechJob> {
  constructor(private readonly parts: Parts) {}

  /** @throws StudioError `no-consent`, `not-found`, `bad-model` or `bad-request` */
  async prepare({ model, voice, text, speed }: SpeechJob['request']): Promise<Prepared> {
    speaking((await this.parts.models.find(model)).manifest);
    this.parts.voices.assertUsable(voice);
    const plan = await this.parts.planner.plan(text, speed);
    return { total: plan.sentences.length, plan };
  }

  placeInPlan({ id, request }: SpeechJob, recipe: Recipe): number | null {
    return placeInPlan(request, this.parts.plans.kept(id), recipe);
  }

  async run(job: SpeechJob, { signal, kept, retryOnce }: Running): Promise<void> {
    const { items, models, plans } = this.parts;
    const { id } = job;
    const model = await models.find(job.request.model);
    const timeLeft = new TimeLeft();
    // Asked anew for each: a sentence may be rolled again while others are made.
    for (;;) {
      const { sentences } = await plans.of(job);
      const finished = items.finished(id);
      const index = sentences.findIndex((_, i) => !finished.has(i));
      const sentence = sentences[index];
      if (!sentence) return;
      const seed = seedOf(this.#request(id), index);
      const waiting = sentences.length - finished.size - 1;
      const said = await retryOnce('sentences', () => this.#say(id, model, { sentence, index, seed, waiting, timeLeft }, signal));
      // Rolled again while it was made: what came of it nobody wants any more.
      if (seedOf(this.#request(id), index) !== seed) continue;
      if (await this.#keep(id, model, { sentence, index, seed }, said)) kept();
    }
  }

  #request(id: string): SpeechJob['request'] {
    const job = this.parts.jobs.get(id);
    if (job.kind !== 'speech') throw new StudioError('internal', 'A job has become one of another kind. Start the studio again.');
    return job.request;
  }

  #say(
    jobId: string,
    model: ModelPackage,
    {
      sentence,
      index,
      seed,
      waiting,
      timeLeft,
    }: { sentence: PlannedSentence; index: number; seed: number; waiting: number; timeLeft: TimeLeft },
    signal: AbortSignal,
  ): Promise<Said> {
    const { engine, settings, prompts, emit } = this.parts;
    const { sampling, speed, voice } = this.#request(jobId);
    const { D } = model.manifest.tokens;
    const phones = numbersOf(sentence, model);
    const onStep = ({ step, steps, k, masked }: StepReply): void => {
      const tokens = (k[0]?.length ?? 0) * D;
      const secondsLeft = timeLeft.afterStep(1, steps - step + steps * waiting);
      emit({ name: 'progress', payload: { jobId, indices: [index], step, steps, masked, tokens, previews: [], k, secondsLeft } });
    };
    return engine.use(model, settings.get().provider, async (session) => {
      if (signal.aborted) throw new StudioError('cancelled', 'Stopped.');
      const prompt = await prompts.of(session, model, voice);
      const ms = await session.durations(phones, speed, prompt);
      timeLeft.restart();
      // The model may be asked for a phone of no length at all, but not for one of less.
      const lengths = ms.map((one) => Math.max(0, one));
      const spoken = await session.speak({ phones, ms: lengths, speed, prompt, seed, sampling }, onStep, signal);
      return { spoken, ms: lengths };
    });
  }

  /** Whether it is still wanted once it is written. */
  async #keep(
    jobId: string,
    { manifest }: ModelPackage,
    { sentence, index, seed }: { sentence: PlannedSentence; index: number; seed: number },
    { spoken, ms }: Said,
  ): Promise<boolean> {
    const { library, emit, version } = this.parts;
    const { sampling, speed, voice } = this.#request(jobId);
    const { sound } = speaking(manifest);
    const speech: SaidText = {
      text: sentence.text,
      speed,
      phones: sentence.phones,
      ms,
      ...(spoken.seed !== seed && { keptSeed: spoken.seed }),
    };
    const recipe: Recipe = {
      format: 1,
      studio: version,
      model: { id: manifest.id, version: manifest.version },
      kind: 'speech',
      verb: 'generate',
      seed,
      sampling,
      voice,
      speech,
    };
    const { tokens, samples, revealedAt, confidence, engineMs } = spoken;
    const { D } = manifest.tokens;
    const item = await library.add({
      recipe,
      picture: null,
      sound: { samples, sampleRate: sound.sampleRate },
      shape: { L: tokens.length / D, D },
      tokens,
      revealedAt,
      confidence,
      durationMs: engineMs,
      job: { id: jobId, index },
    });
    if (seedOf(this.#request(jobId), index) !== seed) {
      this.parts.items.leaveJob(jobId, index);
      this.parts.items.setDeleted([item.id], Date.now());
      return false;
    }
    try {
      this.parts.voices.assertUsable(voice);
    } catch (gone) {
      // The voice was deleted while this was written: it goes along, and is deleted for good with the others.
      this.parts.items.setDeleted([item.id], Date.now());
      throw gone;
    }
    emit({ name: 'itemAdded', payload: item });
    return true;
  }
}

/** @throws StudioError `bad-request` for a phone that the model does not have */
export function numbersOf({ phones, text }: Pick<PlannedSentence, 'phones' | 'text'>, { manifest }: ModelPackage): number[] {
  const numbers = phoneNumbers(phones, speaking(manifest).speech);
  if (typeof numbers !== 'string') return numbers;
  throw new StudioError(
    'bad-request',
    `The model “${manifest.id}” has no sound ${numbers}, which “${text}” needs. Put another word there.`,
  );
}
