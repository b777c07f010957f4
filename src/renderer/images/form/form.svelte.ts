import type { Manifest, ParamsInput, Recipe } from '../../../contract/index.js';
import { JOB_LIMITS } from '../../../contract/index.js';
import { formatNumber, plural } from '../../shared/format.js';
import { SamplingForm, type PresetId } from '../../shared/sampling/sampling.svelte.js';

export const BATCH = { min: 1, max: 64, initial: 4 } as const;

/** What the prompt form holds: everything a job needs, and why it can't be made yet. */
export class PromptForm extends SamplingForm {
  classes = $state.raw<readonly string[]>([]);
  count = $state(4);
  batch = $state<number>(BATCH.initial);

  /** Takes another package, and keeps of the form what it still understands. */
  override useModel(manifest: Manifest | null): boolean {
    const changed = super.useModel(manifest);
    if (!changed) return false;
    const known = new Set(manifest?.classes);
    this.classes = this.classes.filter((name) => known.has(name));
    return true;
  }

  override usePreset(id: PresetId): void {
    super.usePreset(id);
    this.batch = BATCH.initial;
  }

  /** null leaves the view to the seed. */
  setView(view: number | null): void {
    this.setKnob('view', view ?? undefined);
  }

  toggleClass(name: string): void {
    this.classes = this.classes.includes(name) ? this.classes.filter((c) => c !== name) : [...this.classes, name];
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
    this.useSampling(sampling);
    return null;
  }
}
