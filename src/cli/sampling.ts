import { type Manifest, Sampling, StudioError, explain } from '../contract/index.js';

const KNOBS = Object.keys(Sampling.shape);

/**
 * The sampler's settings: those of a preset, changed by `--steps` and by each `--set knob=value`.
 * @throws StudioError `bad-request`
 */
export function samplingOf(manifest: Manifest, preset: string | undefined, steps: number | undefined, set: readonly string[]): Sampling {
  const wanted = preset ?? manifest.defaultPreset;
  const base = manifest.presets.find(({ id }) => id === wanted)?.sampling;
  if (!base) {
    throw new StudioError(
      'bad-request',
      `The model “${manifest.id}” has no preset “${wanted}”. It has ${manifest.presets.map(({ id }) => id).join(', ')}.`,
    );
  }
  const changed: Record<string, unknown> = { ...base, ...(steps !== undefined && { steps }) };
  for (const assignment of set) {
    const [knob = '', value] = assignment.split('=', 2);
    if (value === undefined || !KNOBS.includes(knob)) {
      throw new StudioError('bad-request', `“${assignment}” sets no knob. Write --set knob=value with one of ${KNOBS.join(', ')}.`);
    }
    changed[knob] = value !== '' && Number.isFinite(Number(value)) ? Number(value) : value;
  }
  const sampling = Sampling.safeParse(changed);
  if (!sampling.success) throw new StudioError('bad-request', `The sampler can't be set so: ${explain(sampling.error)}.`);
  return sampling.data;
}
