import type { Item, Recipe, StudioEvent } from '../../contract/index.js';
import { formatsOf, type ExportFormat } from './save.js';
import type { NamedBytes } from '../shared/files.js';
import { formatNumber, listNames, plural } from '../shared/format.js';
import { randomSeed } from '../shared/seed.js';
import type { Studio } from '../studio.svelte.js';
import { ClassPicker } from './form/classPicker.svelte.js';
import { PromptForm } from './form/form.svelte.js';
import { spread } from './form/spread.js';
import { Gallery } from './gallery/gallery.svelte.js';
import { Jobs } from './jobs.svelte.js';
import { Stage } from './stage/stage.svelte.js';

/** What the page asks of the browser, so that tests can play it. */
export interface PageParts {
  download(url: string, name: string): void;
  /** Whether the browser can show these bytes. */
  isPicture(bytes: Uint8Array<ArrayBuffer>): Promise<boolean>;
}

/** A picture that was dropped, and the sentence that says why there is no recipe to restore. */
export interface Offer {
  readonly file: NamedBytes;
  readonly reason: string;
}

const SAMPLES = 4;

/** The actions of the Images page, and the parts they act on. */
export class Images {
  readonly form = new PromptForm();
  readonly picker = new ClassPicker();
  readonly stage = new Stage();
  readonly jobs: Jobs;
  readonly gallery: Gallery;
  /** A picture without a recipe that was dropped, while the page asks whether to import it. */
  offered = $state.raw<Offer | null>(null);
  importing = $state(false);
  /** How often pictures were asked for that are made at once: each time, the stage comes into view. */
  asked = $state(0);
  #announcedHalf: string | null = null;

  constructor(
    private readonly studio: Studio,
    private readonly parts: PageParts,
  ) {
    this.jobs = new Jobs(studio.queue, studio.bridge, studio.notices);
    this.gallery = new Gallery(studio.bridge, studio.notices, 'image', ({ recipe }) => [studio.presetOf(recipe)]);
  }

  /** Reads everything again; also after a reconnection. */
  async load(): Promise<void> {
    await Promise.all([this.gallery.load(), this.takeModel()]);
  }

  /** Follows the studio's current model. */
  async takeModel(): Promise<void> {
    const manifest = this.studio.imageModel?.manifest ?? null;
    this.form.useModel(manifest);
    this.picker.names = manifest?.classes ?? [];
    if (!manifest) return;
    const reply = await this.studio.bridge.call('models.recentClasses', { id: manifest.id });
    if (reply.ok && this.form.model?.id === manifest.id) this.picker.recent = reply.value;
  }

  async chooseModel(id: string): Promise<void> {
    await this.studio.changeSettings({ lastModel: id });
    await this.takeModel();
  }

  /** An item on the page: in the gallery, or among the results, which a search does not hide. */
  find(id: string): Item | null {
    return this.gallery.find(id) ?? this.stage.result?.items.find((item) => item.id === id) ?? null;
  }

  onEvent(event: StudioEvent): void {
    switch (event.name) {
      case 'job':
        if (event.payload.kind === 'image') this.stage.onJob(event.payload);
        this.#announceJob(event.payload.id);
        break;
      case 'progress':
        // Speech runs in the same queue, and has no tiles to show.
        if (!this.jobs.all.some(({ id }) => id === event.payload.jobId)) break;
        this.stage.onProgress(event.payload);
        this.#announceHalf(event.payload.jobId);
        break;
      case 'itemAdded':
        this.gallery.onAdded(event.payload);
        if (event.payload.kind === 'image') this.stage.onItem(event.payload);
        break;
      case 'itemsRemoved':
        this.gallery.onRemoved(event.payload);
        this.stage.onRemoved(event.payload);
        break;
      case 'itemsChanged':
        this.gallery.onChanged(event.payload);
        break;
      case 'voices':
      case 'dictionary':
      case 'edit':
      case 'jobsRemoved':
      case 'engine':
      case 'settings':
      case 'reportAdded':
      case 'reportsDismissed':
        // Those of other pages, and the studio's own, see Studio.onEvent.
        break;
    }
  }

  async generate(): Promise<void> {
    const request = this.form.nextRequest();
    if (!request) {
      if (this.form.problem) this.studio.notices.error(this.form.problem);
      return;
    }
    const idle = !this.jobs.busy;
    const job = await this.jobs.create(request);
    if (!job) return;
    this.picker.used(request.classes);
    if (idle) this.asked++;
  }

  /** One quick picture each of a few classes, for somebody who has just come. */
  async makeSamples(): Promise<void> {
    const model = this.form.model;
    const preset = model?.presets.find(({ id }) => id === 'fast') ?? model?.presets[0];
    if (!model || !preset) return;
    const classes = spread(model.classes, SAMPLES);
    await this.jobs.create({ model: model.id, classes, count: 1, seed: randomSeed(), sampling: preset.sampling, batch: SAMPLES });
  }

  /** Stops the job that runs, or the next in the queue. */
  async stop(): Promise<void> {
    const job = this.jobs.running ?? this.jobs.queued[0];
    if (job) await this.jobs.cancel(job.id);
  }

  /** The same picture once more: fills the form from the recipe, seed and all, and runs it. */
  async sameAgain(item: Item): Promise<void> {
    if (await this.restore(item.recipe)) await this.generate();
  }

  /** The same settings with another seed. */
  async varySeed(item: Item): Promise<void> {
    if (!(await this.restore(item.recipe))) return;
    this.form.pinned = false;
    await this.generate();
  }

  /** Fills the form from a recipe, with the model that it names. */
  async restore(recipe: Recipe): Promise<boolean> {
    const { id } = recipe.model;
    if (this.form.model?.id !== id && this.studio.imageModels.some((m) => m.id === id)) await this.chooseModel(id);
    const problem = this.form.restore(recipe);
    if (problem) this.studio.notices.error(problem);
    return problem === null;
  }

  /** A file dropped on the window: its recipe fills the form; a picture without one is offered for import. */
  async takeFile(file: NamedBytes): Promise<void> {
    const reply = await this.studio.bridge.call('recipe.read', file);
    if (reply.ok) {
      if (!(await this.restore(reply.value))) return;
      const { className = '', seed = 0 } = reply.value;
      this.studio.notices.say(`Recipe restored: ${className}, seed ${seed}.`);
      return;
    }
    const { code, message } = reply.error;
    if (code === 'bad-file' && this.canImport && (await this.parts.isPicture(file.bytes))) this.offered = { file, reason: message };
    else this.studio.notices.error(message);
  }

  get canImport(): boolean {
    return this.form.model?.files.encode !== undefined;
  }

  async importPicture(file: NamedBytes): Promise<void> {
    const model = this.form.model;
    this.offered = null;
    if (!model) return;
    this.importing = true;
    const reply = await this.studio.bridge.call('items.import', { ...file, model: model.id });
    this.importing = false;
    if (!reply.ok) {
      this.studio.notices.error(reply.error.message);
      return;
    }
    this.gallery.onAdded(reply.value);
    this.studio.notices.say(`${file.name} imported.`);
  }

  async save(ids: readonly string[], format: ExportFormat): Promise<void> {
    if (ids.length === 0) return;
    const reply = await this.studio.bridge.call('items.export', { ids: [...ids], format });
    if (!reply.ok) {
      this.studio.notices.error(reply.error.message);
      return;
    }
    this.parts.download(reply.value.url, reply.value.name);
    this.studio.notices.announce(`Saving ${reply.value.name}.`);
  }

  /** What a key alone does with these pictures. False where it does nothing. */
  press(key: string, items: readonly Item[]): boolean {
    const [only] = items.length === 1 ? items : [];
    const generated = only?.kind === 'image' && only.recipe.verb === 'generate' ? only : null;
    if (key === 'r' && generated) void this.sameAgain(generated);
    else if (key === 'v' && generated) void this.varySeed(generated);
    else if (key === 's' && items.length > 0)
      void this.save(
        items.map(({ id }) => id),
        formatsOf(items)[0]?.value ?? 'png',
      );
    else return false;
    return true;
  }

  #announceJob(id: string): void {
    const job = this.jobs.all.find((j) => j.id === id);
    if (!job) return;
    const what = listNames(job.request.classes);
    const say = (text: string) => this.studio.notices.announce(text);
    if (job.state === 'running' && job.done === 0) say(`Making ${plural(job.total, 'picture')} of ${what}.`);
    else if (job.state === 'done') say(`Finished ${plural(job.done, 'picture')} of ${what}.`);
    else if (job.state === 'cancelled') say(`Stopped after ${formatNumber(job.done)} of ${plural(job.total, 'picture')}.`);
    else if (job.state === 'paused') say(`Paused after ${formatNumber(job.done)} of ${plural(job.total, 'picture')}.`);
    else if (job.state === 'failed') say(job.error ?? 'The run failed.');
  }

  /** Once in the middle: every step would drown a screen reader. */
  #announceHalf(jobId: string): void {
    const job = this.jobs.running;
    const { frame } = this.stage;
    if (!job || !frame || job.id !== jobId || this.#announcedHalf === jobId) return;
    if (job.done + (frame.tiles.length * frame.step) / frame.steps < job.total / 2) return;
    this.#announcedHalf = jobId;
    this.studio.notices.announce('Half done.');
  }
}
