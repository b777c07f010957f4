import type { Sampling } from '../../../contract/index.js';

export const PRESET_NAMES = { fast: 'Fast', balanced: 'Balanced', best: 'Best' } as const;

type NumberKey = { [K in keyof Sampling]-?: Sampling[K] extends number ? K : never }[keyof Sampling];

interface NumberKnob {
  readonly kind: 'number';
  readonly key: NumberKey;
  readonly label: string;
  /** One line of plain words. */
  readonly hint: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  /** Where the slider ends; a greater value can still be typed. */
  readonly sliderMax: number;
}

type ChoiceOf<K extends 'schedule' | 'reveal'> = {
  readonly kind: 'choice';
  readonly key: K;
  readonly label: string;
  readonly hint: string;
  readonly options: readonly { readonly value: Sampling[K]; readonly label: string }[];
};
type ChoiceKnob = ChoiceOf<'schedule'> | ChoiceOf<'reveal'>;
export type Knob = NumberKnob | ChoiceKnob;

/** Every field of `Sampling` that pictures and speech share, in the order of the Advanced fold. */
export const knobs: readonly Knob[] = [
  {
    kind: 'number',
    key: 'steps',
    label: 'Steps',
    hint: 'Passes from fully masked to finished. More take longer and come out cleaner.',
    min: 1,
    max: 255,
    step: 1,
    sliderMax: 96,
  },
  {
    kind: 'choice',
    key: 'schedule',
    label: 'Schedule',
    hint: 'How the reveal is spread over the steps: circle starts slowly and ends fast.',
    options: [
      { value: 'circle', label: 'Circle' },
      { value: 'cosine', label: 'Cosine' },
      { value: 'exponential', label: 'Exponential' },
    ],
  },
  {
    kind: 'number',
    key: 'guidanceFrom',
    label: 'Guidance at the start',
    hint: 'How hard the class pulls at the first step. Low keeps variety.',
    min: 0,
    max: 20,
    step: 0.05,
    sliderMax: 5,
  },
  {
    kind: 'number',
    key: 'guidanceTo',
    label: 'Guidance at the end',
    hint: 'How hard the class pulls at the last step. High is truer to the class.',
    min: 0,
    max: 20,
    step: 0.05,
    sliderMax: 5,
  },
  {
    kind: 'number',
    key: 'topP',
    label: 'Top-p',
    hint: 'Share of the likeliest choices that may be drawn. Lower is safer, higher is more varied.',
    min: 0.01,
    max: 1,
    step: 0.01,
    sliderMax: 1,
  },
  {
    kind: 'number',
    key: 'noise',
    label: 'Noise',
    hint: 'Spread of each draw: 1 is what the model learnt, 0 takes the middle.',
    min: 0,
    max: 2,
    step: 0.05,
    sliderMax: 2,
  },
  {
    kind: 'choice',
    key: 'reveal',
    label: 'Reveal order',
    hint: 'Show the surest tokens first, or take them at random.',
    options: [
      { value: 'confidence', label: 'Surest first' },
      { value: 'random', label: 'Random' },
    ],
  },
  {
    kind: 'number',
    key: 'tau',
    label: 'Reveal chance (tau)',
    hint: 'How much chance mixes into the reveal order. It fades out by the last step.',
    min: 0,
    max: 1000,
    step: 0.5,
    sliderMax: 60,
  },
];

/** What a knob does where a text is said and no class is drawn. */
const SPEECH_HINTS: Partial<Record<keyof Sampling, string>> = {
  guidanceFrom: 'How hard the text and the voice pull at the first step. Low keeps variety.',
  guidanceTo: 'How hard the text and the voice pull at the last step. High is truer to both.',
};
export const speechKnobs: readonly Knob[] = knobs.map((knob) => ({ ...knob, hint: SPEECH_HINTS[knob.key] ?? knob.hint }));
