/**
 * Names and shapes of the ONNX graphs' inputs and outputs, the border between `training/export.py` and `src/engine`.
 * B is free everywhere. Uniform and Gaussian noise come in from the engine's seeded generator.
 */
export const graphs = {
  /** Speech: what a step needs of the text and of the voice, once a sentence. P phones, Q positions of the voice's clip. */
  text: {
    inputs: {
      /** int32 [B, P]: numbers of phones, 0 is padding */
      phones: 'int32',
      /** float32 [B]: 2 halves every phone's length */
      speed: 'float32',
      /** int32 [B, Q, D]: the encoded clip of the voice */
      prompt: 'int32',
    },
    outputs: {
      /** float32 [B, P, W] */
      text: 'float32',
      /** float32 [B, P]: how long each phone lasts, in milliseconds */
      ms: 'float32',
      /** float32 [B, W] */
      voice: 'float32',
    },
  },
  step: {
    inputs: {
      /** int32 [B, L, D]; masked entries are ignored */
      tokens: 'int32',
      /** int32 [B, L]: how many of the deepest tokens of each position are masked */
      k: 'int32',
      /** int32 [B]: class index */
      condition: 'int32',
      /** float32 [B]: guidance scale s of this step */
      guidance: 'float32',
      /** float32 [B] */
      top_p: 'float32',
      /** float32 [B]: scale of the Gaussian noise */
      noise_scale: 'float32',
      /** float32 [B, L] in (0, 1): chooses the component by inverse distribution over the sorted nucleus */
      uniform: 'float32',
      /** float32 [B, L, H] standard normal */
      gaussian: 'float32',
      /** float32 [B] in 0..1, below 0 where unknown. Only in packages whose manifest says `views`. */
      view: 'float32',
      /** Speech, in place of condition: float32 [B, P, W], from the `text` graph. L, P and Q are free; of L are the positions to be made alone. */
      text: 'float32',
      /** float32 [B, W], from the `text` graph */
      voice: 'float32',
      /** int32 [B, L, R]: which of the P phones each text frame of a position is part of */
      frames: 'int32',
      /** int32 [B, Q, D]: the encoded clip of the voice, which stands in front */
      prompt: 'int32',
      /** float32 [G], none or one: weights w of the evaluations without the text, c + s sum w (c - u) over these and the F others */
      no_text: 'float32',
      /** float32 [F], none or one: weights of those without the voice, which leave the clip's positions out */
      no_voice: 'float32',
      /** int32 [F]: 1 where such a one goes without the text too */
      text_too: 'int32',
    },
    outputs: {
      /** int32 [B, L, D]: visible tokens unchanged, masked ones proposed */
      proposed: 'int32',
      /**
       * float32 [B, L, D]: for masked (i, j) the sum over masked depths d <= j of -|z_i - sum_{m<=d} e(xh[i,m]; m)|² / (2 sigma_d²),
       * never increasing over depth; 0 for visible tokens
       */
      confidence: 'float32',
    },
  },
  decode: {
    inputs: {
      /** int32 [B, L, D] */
      tokens: 'int32',
      /** int32 [B, L]: how many of the first depths of each position are summed, 0..D */
      depth: 'int32',
    },
    outputs: {
      /** Pictures: uint8 [B, S, S, 3] */
      pixels: 'uint8',
      /** Sounds, in place of pixels: float32 [B, N] in -1..1. L is free in their graphs, and N = L * samplesPerPosition. */
      samples: 'float32',
    },
  },
  encode: {
    inputs: {
      /** Pictures: uint8 [B, S, S, 3] */
      pixels: 'uint8',
      /** Sounds, in place of pixels: float32 [B, N], padded with silence to whole positions */
      samples: 'float32',
    },
    outputs: {
      /** int32 [B, L, D] */
      tokens: 'int32',
      /** float32 [B, L, D]: mean square over H of what is left after each depth */
      residual: 'float32',
    },
  },
} as const;
