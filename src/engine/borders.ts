import { graphs } from '../contract/graphs.js';
import type { Manifest } from '../contract/model.js';

/** Graphs that this engine runs; `text` comes with speech. */
export type RunnableGraph = keyof typeof graphs;

type ElementType = 'int32' | 'float32' | 'uint8';

export interface TensorBorder {
  type: ElementType;
  /** B is the batch; L and N are free in the graphs of sounds: positions, and samples of as many. The others are the manifest's. */
  shape: readonly ('B' | 'L' | 'N' | number)[];
}

export interface GraphBorder {
  inputs: Readonly<Record<string, TensorBorder>>;
  outputs: Readonly<Record<string, TensorBorder>>;
}

/** What the graphs of a package must take and give: the names and types of `contract/graphs.ts` with the manifest's dimensions. */
export function graphBorders({
  tokens: { L: positionsOfPicture, D, H },
  image,
  sound,
  views,
}: Manifest): Record<RunnableGraph, GraphBorder> {
  const L = sound ? 'L' : positionsOfPicture;
  const codes = ['B', L, D] as const;
  const positions = ['B', L] as const;
  const { step, decode, encode } = graphs;
  const pixels = { pixels: { type: decode.outputs.pixels, shape: ['B', image?.size ?? 0, image?.size ?? 0, 3] as const } };
  const seenOrHeard = sound ? { samples: { type: decode.outputs.samples, shape: ['B', 'N'] as const } } : pixels;
  return {
    step: {
      inputs: {
        tokens: { type: step.inputs.tokens, shape: codes },
        k: { type: step.inputs.k, shape: positions },
        condition: { type: step.inputs.condition, shape: ['B'] },
        guidance: { type: step.inputs.guidance, shape: ['B'] },
        top_p: { type: step.inputs.top_p, shape: ['B'] },
        noise_scale: { type: step.inputs.noise_scale, shape: ['B'] },
        uniform: { type: step.inputs.uniform, shape: positions },
        gaussian: { type: step.inputs.gaussian, shape: ['B', L, H] },
        ...(views ? { view: { type: step.inputs.view, shape: ['B'] as const } } : {}),
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
