import type { Manifest, Preset, Sampling } from '../../../contract/index.js';
import { randomSeed } from '../seed.js';

export type PresetId = Preset['id'];
export const SEED_MAX = 0xffff_ffff;

/** The knobs of the sampler and the seed, as the forms that ask a model for something hold them. */
export class SamplingForm {
  model = $state.raw<Manifest | null>(null);
  seed = $state(randomSeed());
  /** A pinned seed is used again; otherwise every run gets a new one. */
  pinned = $state(false);
  preset = $state<PresetId>('balanced');
  sampling = $state.raw<Sampling | null>(null);

  /** Takes another package, with the preset it starts from. False where it is the one of before. */
  useModel(manifest: Manifest | null): boolean {
    const same = manifest !== null && this.model?.id === manifest.id && this.model.version === manifest.version;
    this.model = manifest;
    if (same) return false;
    this.sampling = null;
    if (manifest) this.usePreset(manifest.defaultPreset);
    return true;
  }

  get presets(): readonly Preset[] {
    return this.model?.presets ?? [];
  }

  usePreset(id: PresetId): void {
    this.preset = id;
    this.sampling = this.#samplingOf(id) ?? this.sampling;
  }

  /** Names of the fields that differ from the chosen preset. */
  get changed(): ReadonlySet<keyof Sampling> {
    return differences(this.sampling, this.#samplingOf(this.preset));
  }

  /** Undefined takes an optional knob away: what it would choose is left to the model or to the seed. */
  setKnob<K extends keyof Sampling>(key: K, value: Sampling[K]): void {
    if (!this.sampling) return;
    const sampling = { ...this.sampling, [key]: value };
    if (value === undefined) Reflect.deleteProperty(sampling, key);
    this.sampling = sampling;
  }

  resetKnob(key: keyof Sampling): void {
    const preset = this.#samplingOf(this.preset);
    if (preset) this.setKnob(key, preset[key]);
  }

  /** A seed typed by hand is meant to be used, so it is pinned. */
  typeSeed(seed: number): void {
    this.seed = seed;
    this.pinned = true;
  }

  rollSeed(): void {
    this.seed = randomSeed();
  }

  /** Takes the knobs of something that was made, with the preset that is nearest to them. */
  useSampling(sampling: Sampling): void {
    this.sampling = sampling;
    const byDistance = [...this.presets].sort((a, b) => differences(sampling, a.sampling).size - differences(sampling, b.sampling).size);
    this.preset = byDistance[0]?.id ?? this.preset;
  }

  #samplingOf(id: PresetId): Sampling | null {
    return this.presets.find((p) => p.id === id)?.sampling ?? null;
  }
}

function differences(a: Sampling | null, b: Sampling | null): Set<keyof Sampling> {
  if (!a || !b) return new Set();
  return new Set((Object.keys({ ...a, ...b }) as (keyof Sampling)[]).filter((key) => a[key] !== b[key]));
}
