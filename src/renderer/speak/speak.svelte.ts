import type { Recipe, Reply, SoundFormat, StudioEvent, Take, Voice } from '../../contract/index.js';
import type { NamedBytes } from '../shared/files.js';
import { plural } from '../shared/format.js';
import { randomSeed } from '../shared/seed.js';
import type { Studio, UsableModel } from '../studio.svelte.js';
import { SpeechForm } from './form.svelte.js';
import { Takes } from './takes.svelte.js';

/** What the page needs besides the studio. */
export interface Outside {
  download: (url: string, name: string) => void;
  /** The voices that may be chosen, and how they are read again. */
  voices: { readonly voices: readonly Voice[]; load: () => Promise<void> };
}

/** The actions of the Speak page. */
export class SpeakPage {
  readonly form: SpeechForm;
  readonly takes: Takes;
  /** The take in front, and the one that it is compared with: they are heard in turn. */
  chosen = $state<string | null>(null);
  other = $state<string | null>(null);
  /** The take that plays by itself once its first sentence is there: it was just asked for. */
  awaited = $state<string | null>(null);

  constructor(
    private readonly studio: Studio,
    private readonly outside: Outside,
  ) {
    this.form = new SpeechForm(studio.bridge);
    this.takes = new Takes(studio.bridge, studio.notices);
  }

  get voices(): readonly Voice[] {
    return this.outside.voices.voices;
  }

  get models(): readonly UsableModel[] {
    return this.studio.speechModels;
  }

  /** Reads everything again; also each time the page comes to the front. */
  async load(): Promise<void> {
    this.chooseModel(this.form.model?.id ?? null);
    await Promise.all([this.outside.voices.load(), this.takes.load()]);
    // A voice that is gone can't be asked for.
    if (!this.voices.some(({ id }) => id === this.form.voice)) this.form.voice = this.voices[0]?.id ?? null;
    this.chosen ??= this.takes.list[0]?.id ?? null;
  }

  /** This model, or the first that speaks where it is not there. */
  chooseModel(id: string | null): void {
    const model = this.models.find((m) => m.id === id) ?? this.models[0];
    if (this.form.useModel(model?.manifest ?? null)) this.form.replan();
  }

  onEvent(event: StudioEvent): void {
    switch (event.name) {
      case 'job':
        this.takes.onJob(event.payload);
        break;
      case 'jobsRemoved':
        this.takes.onJobsRemoved(event.payload);
        break;
      case 'progress':
        this.takes.onProgress(event.payload);
        break;
      case 'itemAdded':
        this.takes.onItem(event.payload);
        break;
      case 'itemsRemoved':
        this.takes.onItemsRemoved(event.payload);
        break;
      case 'dictionary':
        // What is said of the text may be other words now.
        this.form.replan();
        break;
      case 'voices':
        if (this.form.voice !== null && !event.payload.some(({ id, deletedAt }) => id === this.form.voice && deletedAt === null))
          this.form.voice = null;
        break;
      case 'itemsChanged':
      case 'edit':
      case 'engine':
      case 'settings':
      case 'reportAdded':
      case 'reportsDismissed':
        // Those of other pages, and the studio's own, see Studio.onEvent.
        break;
    }
  }

  /** A sound that was saved, dropped on the page: says its text again as it was. */
  async takeFile(file: NamedBytes): Promise<void> {
    const reply = await this.studio.bridge.call('recipe.read', file);
    const problem = reply.ok ? this.#restore(reply.value, file.name) : reply.error.message;
    if (problem !== null) this.studio.notices.error(problem);
  }

  /** The sentence that says why the recipe can't be used, or null. */
  #restore(recipe: Recipe, file: string): string | null {
    const { model, voice, speech } = recipe;
    if (!speech) return `“${file}” was not said. Drop a sound that was saved here.`;
    if (!this.models.some(({ id }) => id === model.id)) {
      return `“${file}” was said by the model “${model.id}”, which is not here. Add it, then drop the sound again.`;
    }
    this.chooseModel(model.id);
    const own = this.voices.find(({ id }) => id === voice);
    if (own) this.form.voice = own.id;
    const problem = this.form.restore(recipe);
    if (problem === null) this.studio.notices.say(own ? 'Recipe restored.' : 'Recipe restored. Its voice is not here: choose another one.');
    return problem;
  }

  async speak(): Promise<void> {
    const request = this.form.nextRequest();
    if (!request) {
      if (this.form.problem) this.studio.notices.error(this.form.problem);
      return;
    }
    const reply = await this.studio.bridge.call('speech.say', request);
    if (!this.#done(reply)) return;
    // Its events may have come first, and know more.
    if (!this.takes.jobs.some(({ id }) => id === reply.value.id)) this.takes.onJob(reply.value);
    this.chosen = this.awaited = reply.value.id;
    this.other = null;
  }

  /** Stops what is being said, or the next in the queue; sentences that are done stay. */
  async stop(): Promise<void> {
    const { open } = this.takes;
    if (open) this.#done(await this.studio.bridge.call('jobs.cancel', { id: open.id }));
  }

  /** Goes on with what a stopped or failed take has not said. */
  async goOn(job: string): Promise<void> {
    this.#done(await this.studio.bridge.call('jobs.retry', { id: job }));
  }

  /** Says one sentence again; the one of before is in the trash. */
  async again(job: string, index: number): Promise<void> {
    this.#done(await this.studio.bridge.call('speech.again', { job, index, seed: randomSeed() }));
  }

  /** The whole take as a file, or one sentence of it. */
  async save(job: string, index: number | null, format: SoundFormat): Promise<void> {
    const reply = await this.studio.bridge.call('speech.export', { job, index, format });
    if (!this.#done(reply)) return;
    this.outside.download(reply.value.url, reply.value.name);
    this.studio.notices.announce(`Saving ${reply.value.name}.`);
  }

  /** Everything that a take says to the trash; an undo brings it back. */
  async remove({ job, sentences }: Take): Promise<void> {
    const ids = sentences.flatMap(({ item }) => (item ? [item.id] : []));
    if (ids.length === 0 || !this.#done(await this.studio.bridge.call('items.remove', { ids }))) return;
    if (this.chosen === job.id) this.chosen = null;
    if (this.other === job.id) this.other = null;
    const undo = async (): Promise<void> => {
      if (!this.#done(await this.studio.bridge.call('items.restore', { ids }))) return;
      await this.takes.read(job.id);
      this.chosen = job.id;
    };
    this.studio.notices.say(`${plural(ids.length, 'sentence')} went to the trash.`, { label: 'Undo', run: () => void undo() });
  }

  /** Brings a take to the front; one that it was compared with is no other one then. */
  choose(job: string): void {
    this.chosen = job;
    if (this.other === job) this.other = null;
  }

  #done<T>(reply: Reply<T>): reply is Extract<Reply<T>, { ok: true }> {
    if (!reply.ok) this.studio.notices.error(reply.error.message);
    return reply.ok;
  }
}
