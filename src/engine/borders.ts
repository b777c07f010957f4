import { graphs } from '../contract/graphs.js';
import type { Manifest } from '../contract/model.js';

export type RunnableGraph = keyof typeof graphs;

type ElementType = 'int32' | 'float32' | 'uint8';

/**
 * B is the batch. In the graphs of sounds L positions and N samples of as many are free too, and where they speak P phones, Q positions of the
 * voice's clip, and G and F evaluations that go without the text and without the voice.
 */
export type FreeDimension = 'B' | 'L' | 'N' | 'P' | 'Q' | 'G' | 'F';

export interface TensorBorder {
  type: ElementType;
  /** What is not free is the manifest's. */
  shape: readonly (FreeDimension | number)[];
}

export interface GraphBorder {
  inputs: Readonly<Record<string, TensorBorder>>;
  outputs: Readonly<Record<string, TensorBorder>>;
}

/** Whether every tensor has the batch in front. Only then can the rows of several requests be put together, or those of one be divided. */
export function isOfBatches({ inputs, outputs }: GraphBorder): boolean {
  return [...Object.values(inputs), ...Object.values(outputs)].every(({ shape }) => shape[0] === 'B');
}

/** What the graphs of a package must take and give: the names and types of `contract/graphs.ts` with the manifest's dimensions. */
export function graphBorders({
  tokens: { L: positionsOfPicture, D, H },
  image,
  sound,
  speech,
  views,
}: Manifest): Record<RunnableGraph, GraphBorder> {
  const L = sound ? 'L' : positionsOfPicture;
  const codes = ['B', L, D] as const;
  const positions = ['B', L] as const;
  const { text, step, decode, encode } = graphs;
  const [W, R] = [speech?.width ?? 0, speech?.framesPerPosition ?? 0];
  const condition = speech
    ? ({
        text: { type: step.inputs.text, shape: ['B', 'P', W] },
        voice: { type: step.inputs.voice, shape: ['B', W] },
        frames: { type: step.inputs.frames, shape: ['B', L, R] },
        prompt: { type: step.inputs.prompt, shape: ['B', 'Q', D] },
        no_text: { type: step.inputs.no_text, shape: ['G'] },
        no_voice: { type: step.inputs.no_voice, shape: ['F'] },
        text_too: { type: step.inputs.text_too, shape: ['F'] },
      } as const)
    : ({
        condition: { type: step.inputs.condition, shape: ['B'] },
        ...(views ? { view: { type: step.inputs.view, shape: ['B'] as const } } : {}),
      } as const);
  const pixels = { pixels: { type: decode.outputs.pixels, shape: ['B', image?.size ?? 0, image?.size ?? 0, 3] as const } };
  const seenOrHeard = sound ? { samples: { type: decode.outputs.samples, shape: ['B', 'N'] as const } } : pixels;
  return {
    text: {
      inputs: {
        phones: { type: text.inputs.phones, shape: ['B', 'P'] },
        speed: { type: text.inputs.speed, shape: ['B'] },
        prompt: { type: text.inputs.prompt, shape: ['B', 'Q', D] },
      },
      outputs: {
        text: { type: text.outputs.text, shape: ['B', 'P', W] },
        ms: { type: text.outputs.ms, shape: ['B', 'P'] },
        voice: { type: text.outputs.voice, shape: ['B', W] },
      },
    },
    step: {
      inputs: {
        tokens: { type: step.inputs.tokens, shape: codes },
        k: { type: step.inputs.k, shape: positions },
        ...condition,
        guidance: { type: step.inputs.guidance, shape: ['B'] },
        top_p: { type: step.inputs.top_p, shape: ['B'] },
        noise_scale: { type: step.inputs.noise_scale, shape: ['B'] },
        uniform: { type: step.inputs.uniform, shape: positions },
        gaussian: { type: step.inputs.gaussian, shape: ['B', L, H] },
      },
      outputs: {
        proposed: { type: step.outputs.proposed, shape: codes },
        confidence: { type: step.outputs.confidence, shape: codes },
      },
    },
    decode: {
      inputs: { tokens: { type: decode.inputs.tokens, shape: codes }, depth: { type: decode.inputs.depth, shape: positions } },
      outputs: seenOrHeard,
    },
    encode: {
      inputs: seenOrHeard,
      outputs: { tokens: { type: encode.outputs.tokens, shape: codes }, residual: { type: encode.outputs.residual, shape: codes } },
    },
  };
}
