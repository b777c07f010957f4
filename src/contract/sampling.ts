import { z } from 'zod';

/** Masked share of tokens as a function of progress r in 0..1 (ResGen section 3.1): circle sqrt(1 - r²), cosine cos(πr / 2), exponential. */
export const Schedule = z.enum(['circle', 'cosine', 'exponential']);
export type Schedule = z.infer<typeof Schedule>;

/** How the sampler chooses what to reveal: by the tokens' own confidence, or by the hypergeometric posterior alone. */
export const Reveal = z.enum(['confidence', 'random']);
export type Reveal = z.infer<typeof Reveal>;

/** Every knob of the sampler. One object of these plus a seed and a condition makes the same tokens again. */
export const Sampling = z.strictObject({
  /** Number of sampling steps T; the step at which a token was revealed is kept in one byte. */
  steps: z.int().min(1).max(255),
  schedule: Schedule,
  /** Guidance scale s at the first and the last step, linear between: c + s (c - u). */
  guidanceFrom: z.number().min(0).max(20),
  guidanceTo: z.number().min(0).max(20),
  /** Nucleus of the mixture weights that may be drawn from. */
  topP: z.number().gt(0).max(1),
  /** Weight of the Gumbel noise in the choice of what to reveal, falling linearly to 0. */
  tau: z.number().min(0).max(1000),
  /** Scale of the Gaussian noise of the drawn component; 1 is the model's own density. */
  noise: z.number().min(0).max(2),
  reveal: Reveal,
  /** For models with views: which side of the thing is seen, as a place on the film of its class. The seed draws it where left out. */
  view: z.number().min(0).max(1).optional(),
  /**
   * For speech: how much of the guidance goes to the voice, the rest to the text, c + s ((1 - r) (c - no text) + r (c - no voice)). Left out,
   * both are guided together, c + s (c - u), which takes two evaluations a step in place of three.
   */
  voiceShare: z.number().min(0).max(1).optional(),
  /**
   * For speech: so many are sampled, each with noise of its own, and the one whose voice is nearest to the clip's is kept, by the model's own
   * voice vectors. One where left out, and where tokens are given.
   */
  candidates: z.int().min(1).max(8).optional(),
});
export type Sampling = z.infer<typeof Sampling>;

/** Seeds are the unsigned 32-bit integers: they fit a text field, a file name and every language's integer. */
export const Seed = z.int().min(0).max(0xffff_ffff);
