import { quantile } from './levels.js';
import { PITCH_HOP } from './pitch.js';

/** The pitch of speech glides all the time, that of an instrument stands still on its notes. Thresholds as in `check.ts`. */
const APART = Math.round(0.1 / PITCH_HOP);
/** In octaves: less than a tenth of a semitone. */
const STILL = 0.005;
/** Of speech at most 0.27, of melodies 0.7 and more. */
const STEADY_SHARE = 0.4;
const LEAST_PAIRS = Math.round(0.5 / PITCH_HOP);

/** @param pitch in hertz every `PITCH_HOP` seconds, 0 where there is none */
export function isSteady(pitch: readonly number[]): boolean {
  let pairs = 0;
  let still = 0;
  for (let f = APART; f < pitch.length; f++) {
    const stretch = pitch.slice(f - APART, f + 1);
    if (stretch.includes(0)) continue;
    pairs++;
    if (Math.abs(Math.log2((stretch.at(-1) ?? 1) / (stretch[0] ?? 1))) < STILL) still++;
  }
  return pairs >= LEAST_PAIRS && still / pairs > STEADY_SHARE;
}

/** A stretch of voice without a break. */
interface Syllable {
  /** Median, as the logarithm to base 2. */
  pitch: number;
  frames: number;
}

/** A jump of more than this many octaves between two estimates is an error, or another voice. */
const JUMP = 0.15;
const LEAST_FRAMES = 6;

/** Two groups of syllables are two people where they are this far apart (in octaves), … */
const APART_OCTAVES = 0.5;
/** … each of them close together, … */
const WITHIN_OCTAVES = 0.16;
const LEAST_SHARE = 0.2;
const LEAST_SYLLABLES = 6;
/** … and one speaks while the other is silent: so much less to and fro than by chance. A single person's high words are all over. */
const TURNS = 0.5;

/**
 * Whether there seem to be two voices of different pitch that take turns: the guess where no model can listen (`speakers.ts`). Of 144 pairs of
 * speakers taken at random it finds 21, and of another 144 it finds 11, those of a low and a high voice; of single speakers none of 144, and 1.
 */
export function takesTurns(pitch: readonly number[]): boolean {
  const syllables = syllablesOf(pitch);
  if (syllables.length < LEAST_SYLLABLES) return false;
  const { cut, apart, within, share } = splitInTwo(syllables);
  if (apart < APART_OCTAVES || within > WITHIN_OCTAVES || share < LEAST_SHARE) return false;
  const high = syllables.map((syllable) => syllable.pitch > cut);
  const changes = high.filter((is, s) => s > 0 && is !== high[s - 1]).length;
  const p = high.filter(Boolean).length / high.length;
  return changes < TURNS * 2 * p * (1 - p) * (high.length - 1);
}

function syllablesOf(pitch: readonly number[]): Syllable[] {
  const found: Syllable[] = [];
  let open: number[] = [];
  const close = (): void => {
    if (open.length >= LEAST_FRAMES) found.push({ pitch: Math.log2(quantile(open, 0.5)), frames: open.length });
  };
  for (const hertz of [...pitch, 0]) {
    const last = open.at(-1) ?? hertz;
    if (hertz > 0 && Math.abs(Math.log2(hertz / last)) < JUMP) open.push(hertz);
    else {
      close();
      open = hertz > 0 ? [hertz] : [];
    }
  }
  return found;
}

/** The cut between a low and a high group that leaves the least spread within the two. */
function splitInTwo(syllables: readonly Syllable[]): { cut: number; apart: number; within: number; share: number } {
  const sorted = syllables.toSorted((a, b) => a.pitch - b.pitch);
  const splits = sorted.slice(1).map((syllable, s) => {
    const [low, high] = [groupOf(sorted.slice(0, s + 1)), groupOf(sorted.slice(s + 1))];
    const frames = low.frames + high.frames;
    return {
      cut: ((sorted[s]?.pitch ?? 0) + syllable.pitch) / 2,
      apart: high.mean - low.mean,
      within: Math.sqrt((low.squares + high.squares) / frames),
      share: Math.min(low.frames, high.frames) / frames,
    };
  });
  return splits.reduce((best, split) => (split.within < best.within ? split : best));
}

function groupOf(syllables: readonly Syllable[]): { frames: number; mean: number; squares: number } {
  const frames = syllables.reduce((sum, syllable) => sum + syllable.frames, 0);
  const mean = syllables.reduce((sum, syllable) => sum + syllable.frames * syllable.pitch, 0) / frames;
  return { frames, mean, squares: syllables.reduce((sum, syllable) => sum + syllable.frames * (syllable.pitch - mean) ** 2, 0) };
}
