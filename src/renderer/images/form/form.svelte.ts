import type { Manifest, ParamsInput, Preset, Recipe, Sampling } from '../../../contract/index.js';
import { JOB_LIMITS } from '../../../contract/index.js';
import { formatNumber, plural } from '../../shared/format.js';
import { randomSeed } from '../../shared/seed.js';

export type PresetId = Preset['id'];
export const BATCH = { min: 1, max: 64, initial: 4 } as const;
export const SEED_MAX = 0xffff_ffff;

/** What the prompt form holds: everything a job needs, and why it can't be made yet. */
export class PromptForm {
  model = $state.raw<Manifest | null>(null);
  classes = $state.raw<readonly string[]>([]);
  count = $state(4);
  seed = $state(randomSeed());
  /** A pinned seed is used again; otherwise every run gets a new one. */
  pinned = $state(false);
  preset = $state<PresetId>('balanced');
  sampling = $state.raw<Sampling | null>(null);
  batch = $state<number>(BATCH.initial);

  /** Takes another package, and keeps of the form what it still understands. */
  useModel(manifest: Manifest | null): void {
    const same = manifest !== null && this.model?.id === manifest.id && this.model.version === manifest.version;
    this.model = manifest;
    if (same) return;
    const known = new Set(manifest?.classes);
    this.classes = this.classes.filter((name) => known.has(name));
    this.sampling = null;
    if (manifest) this.usePreset(manifest.defaultPreset);
  }

  get presets(): readonly Preset[] {
    return this.model?.presets ?? [];
  }

  usePreset(id: PresetId): void {
    this.preset = id;
    this.sampling = this.#samplingOf(id) ?? this.sampling;
    this.batch = BATCH.initial;
  }

  /** Names of the fields that differ from the chosen preset. */
  get changed(): ReadonlySet<keyof Sampling> {
    return differences(this.sampling, this.#samplingOf(this.preset));
  }

  setKnob<K extends keyof Sampling>(key: K, value: Sampling[K]): void {
    if (this.sampling) this.sampling = { ...this.sampling, [key]: value };
  }

  resetKnob(key: keyof Sampling): void {
    const preset = this.#samplingOf(this.preset);
    if (preset) this.setKnob(key, preset[key]);
  }

  /** null leaves the view to the seed. */
  setView(view: number | null): void {
    if (!this.sampling) return;
    const sampling = { ...this.sampling };
    delete sampling.view;
    this.sampling = view === null ? sampling : { ...sampling, view };
  }

  toggleClass(name: string): void {
    this.classes = this.classes.includes(name) ? this.classes.filter((c) => c !== name) : [...this.classes, name];
  }

  /** A seed typed by hand is meant to be used, so it is pinned. */
  typeSeed(seed: number): void {
    this.seed = seed;
    this.pinned = true;
  }

  rollSeed(): void {
    this.seed = randomSeed();
  }

  get total(): number {
    return this.classes.length * this.count;
  }

  /** The sentence that says what is missing, or null when a job can be made. */
  get problem(): string | null {
    if (!this.model) return 'No model is installed.';
    if (!this.model.files.step || !this.sampling) return `${this.model.title} can encode and decode pictures, but not make new ones.`;
    if (this.classes.length === 0) return 'Choose at least one class.';
    if (this.total > JOB_LIMITS.itemsPerJob) {
      return `${plural(this.total, 'picture')} are too many for one run. Make it ${formatNumber(JOB_LIMITS.itemsPerJob)} or fewer.`;
    }
    return null;
  }

  /** The next job, with a new seed unless it is pinned; null while there is a problem. */
  nextRequest(): ParamsInput<'jobs.create'> | null {
    if (this.problem !== null || !this.model || !this.sampling) return null;
    if (!this.pinned) this.rollSeed();
    return {
      model: this.model.id,
      classes: [...this.classes],
      count: this.count,
      seed: this.seed,
      sampling: this.sampling,
      batch: this.batch,
    };
  }

  /** Fills the form from a recipe for exactly that picture. Returns the sentence that says why it can't. */
  restore(recipe: Recipe): string | null {
    const { className, seed, sampling } = recipe;
    if (recipe.verb !== 'generate' || className === undefined || seed === undefined || !sampling) {
      return 'This picture was not generated, so there are no settings to restore.';
    }
    if (this.model?.id !== recipe.model.id) return `The model "${recipe.model.id}" that made this picture is not installed.`;
    if (!this.model.classes.includes(className)) return `This version of ${this.model.title} has no class "${className}".`;
    this.classes = [className];
    this.count = 1;
    this.seed = seed;
    this.pinned = true;
    this.sampling = sampling;
    this.preset = this.#nearestPreset(sampling);
    return null;
  }

  #samplingOf(id: PresetId): Sampling | null {
    return this.presets.find((p) => p.id === id)?.sampling ?? null;
  }

  #nearestPreset(sampling: Sampling): PresetId {
    const byDistance = [...this.presets].sort((a, b) => differences(sampling, a.sampling).size - differences(sampling, b.sampling).size);
    return byDistance[0]?.id ?? this.preset;
  }
}

function differences(a: Sampling | null, b: Sampling | null): Set<keyof Sampling> {
  if (!a || !b) return new Set();
  return new Set((Object.keys({ ...a, ...b }) as (keyof Sampling)[]).filter((key) => a[key] !== b[key]));
}
