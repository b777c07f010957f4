import { type Finding, type Region, VOICE_LIMITS, VOICE_RATE } from '../../contract/index.js';
import type { Clip } from './clip.js';
import { FRAME, type Loudness, loudness } from './levels.js';
import type { Listener } from './listener.js';
import { pitchTrack } from './pitch.js';
import { isSteady, takesTurns } from './pitch-facts.js';
import { HOP, WINDOW, changesSpeaker } from './speakers.js';
import { flatnessOfPauses } from './tones.js';

/**
 * Thresholds in decibels, measured on 144 clips of 136 speakers of LibriSpeech, speechocean762 and Kokoro, of which none may be found fault
 * with: their voices are at -32 or louder, and their pauses at least 20 below them.
 */
const SILENT = -55;
const QUIET = -36;
const LEAST_SNR = 18;
/** Spread of the levels; speech in noise at 5 decibels still has 2.5, steady noise and sustained tones less than 1. */
const LEAST_SPREAD = 2;
/** Share of the frames with a pitch: noise has none, the least of the speech clips 0.27. */
const LEAST_VOICED = 0.12;
/** Flatness of the pauses below which tones go on in them; see `docs/voices.md` for what it finds and what not. */
const TONAL = 0.005;
/** A single one may be a knock, or come from lossy compression. */
const LEAST_CLIPPED = 3;
/** Seconds of voice that a clip should have, whatever its length. */
const LEAST_VOICE = 2;
const DECIBELS_DOWN = 40;
/** Share of a window's frames that have a voice, below which the window is of nobody: with those, 70 of 72 clips with a pause of 3 s had two speakers. */
const LEAST_SPOKEN = 0.3;
/** Findings after which nobody listens for further speakers: one was found, or what is heard may not be speech, which the model takes for a voice too. */
const SETTLED: ReadonlySet<Finding['kind']> = new Set(['speakers', 'no-speech', 'music']);

/**
 * What keeps a clip, or a part of it, from being a good voice, as far as its samples tell by themselves. Noise, music and further speakers are
 * guessed from levels and pitch: enough to say that they may be there, and never that they are not.
 */
export function checkClip(clip: Clip, region: Region | null): Finding[] {
  const { from, until } = clampRegion(clip, region);
  const samples = clip.samples.subarray(Math.round(from * VOICE_RATE), Math.round(until * VOICE_RATE));
  const inside = (seconds: readonly number[]): number => seconds.filter((at) => at >= from && at < until).length;
  const findings = [...checkLength(samples.length / VOICE_RATE), ...checkFile(clip, inside(clip.broken))];
  const loud = loudness(samples);
  if (loud.voice < SILENT) {
    return [...findings, blocks('silent', 'The clip is silent. Check that the right microphone was chosen and is on, then record again.')];
  }
  // Of so little there is nothing to guess.
  if (findings.some(({ kind }) => kind === 'short')) return findings;
  return [...findings, ...checkLevels(loud, inside(clip.clipped)), ...checkSpeech(samples, loud)];
}

/** As `checkClip`, and listens for further speakers: pitch alone tells few of them. Where nobody can listen now, pitch has the last word. */
export async function checkVoice(listener: Pick<Listener, 'hear'>, clip: Clip, region: Region | null): Promise<Finding[]> {
  const findings = checkClip(clip, region);
  if (findings.some(({ kind, blocks }) => blocks || SETTLED.has(kind))) return findings;
  const inside = clampRegion(clip, region);
  const windows = await listener.hear(clip, inside);
  if (!windows) return findings;
  const { levels, isVoice } = loudness(cut(clip, inside));
  const spoken = windows.filter(({ at }) => {
    const first = Math.round((at * HOP - inside.from) / FRAME);
    const frames = levels.slice(first, first + Math.round(WINDOW / FRAME));
    return frames.filter(isVoice).length >= LEAST_SPOKEN * frames.length;
  });
  return changesSpeaker(spoken) ? [...findings, severalSpeakers()] : findings;
}

/** The samples of a part of a clip. */
export function cut(clip: Clip, region: Region | null): Float32Array {
  const { from, until } = clampRegion(clip, region);
  return clip.samples.slice(Math.round(from * VOICE_RATE), Math.round(until * VOICE_RATE));
}

/** From the first word to the last with a breath around them, as far as a voice may be long. */
export function suggestRegion({ samples }: Clip): Region {
  const seconds = samples.length / VOICE_RATE;
  const { levels, isVoice } = loudness(samples);
  const margin = 0.2;
  const first = levels.findIndex(isVoice);
  const last = levels.findLastIndex(isVoice);
  if (first < 0) return { from: 0, until: Math.min(seconds, VOICE_LIMITS.mostSeconds) };
  const from = Math.max(0, first * FRAME - margin);
  return { from, until: Math.min(seconds, (last + 1) * FRAME + margin, from + VOICE_LIMITS.mostSeconds) };
}

function clampRegion({ samples }: Clip, region: Region | null): Region {
  const seconds = samples.length / VOICE_RATE;
  return region ? { from: Math.min(region.from, seconds), until: Math.min(region.until, seconds) } : { from: 0, until: seconds };
}

function checkLength(seconds: number): Finding[] {
  const { leastSeconds: least, mostSeconds: most } = VOICE_LIMITS;
  const said = `${seconds.toFixed(1)} s long`;
  if (seconds < least)
    return [blocks('short', `The clip is ${said}, and a voice takes at least ${least}. Record or choose more; ten seconds are good.`)];
  // A sample more than the limit is the rounding of a part that is exactly as long.
  if (seconds > most + 1 / VOICE_RATE)
    return [blocks('long', `The clip is ${said}, and a voice takes at most ${most}. Trim it to the part with the clearest speech.`)];
  return [];
}

function checkFile({ sampleRate, channels }: Clip, broken: number): Finding[] {
  const findings: Finding[] = [];
  if (broken > 0) {
    const what = broken === 1 ? 'a sample that is no number' : `${broken.toLocaleString('en')} samples that are no numbers`;
    findings.push(blocks('broken', `The clip has ${what}, so the file is damaged. Save it again where it came from, then choose that.`));
  }
  if (sampleRate < VOICE_RATE) {
    const rates = `${sampleRate.toLocaleString('en')} samples a second, and a clear voice needs ${VOICE_RATE.toLocaleString('en')}`;
    findings.push(warns('narrow', `The file has ${rates}. The voice will sound dull, as on a telephone; record it anew if you can.`));
  }
  if (channels > 2) {
    findings.push(
      warns(
        'channels',
        `The file has ${channels} channels, which were mixed into one. If one alone has the voice, save that one by itself.`,
      ),
    );
  }
  return findings;
}

function checkLevels({ voice, levels, isVoice }: Loudness, clipped: number): Finding[] {
  const findings: Finding[] = [];
  if (clipped >= LEAST_CLIPPED) {
    const times = `${clipped.toLocaleString('en')} times`;
    findings.push(
      warns(
        'clipped',
        `The sound is too loud and cut off at the top, ${times}. Turn the microphone down or go further away, then record again.`,
      ),
    );
  }
  if (voice < QUIET)
    findings.push(warns('quiet', 'The voice is very quiet. Go nearer to the microphone or turn it up, then record again.'));
  const seconds = levels.filter(isVoice).length * FRAME;
  if (seconds < LEAST_VOICE) {
    findings.push(
      warns(
        'pauses',
        `Only ${seconds.toFixed(1)} s of the clip have a voice in them. Speak on without long pauses, or choose another part.`,
      ),
    );
  }
  return findings;
}

/** Where there is no speech, the rest would be guesses about nothing. */
function checkSpeech(samples: Float32Array, { levels, voice, pauses, isVoice }: Loudness): Finding[] {
  // An estimate looks a little ahead, so that the last frames have none.
  const pitch = [...pitchTrack(samples)].map((hertz, f) => (isVoice(levels[f] ?? voice) ? hertz : 0));
  const voiced = pitch.filter((hertz) => hertz > 0).length / Math.max(1, levels.filter(isVoice).length);
  if (isSteady(pitch)) return [warns('music', 'There may be music in the clip. Choose a part where only a voice is heard.')];
  if (voiced < LEAST_VOICED || spread(levels, voice) < LEAST_SPREAD)
    return [warns('no-speech', 'There may be no speech in the clip. Choose a part where somebody speaks.')];
  const findings: Finding[] = [];
  const below = Math.round(voice - pauses);
  // Of pauses without any sound there is nothing to say but the rounding of their samples.
  if (pauses > SILENT && flatnessOfPauses(samples) < TONAL) {
    findings.push(
      warns('music', 'There may be music under the voice. Record in a quiet room, or choose a part where only a voice is heard.'),
    );
  } else if (below < LEAST_SNR) {
    findings.push(
      warns('noisy', `There may be noise behind the voice, ${below} dB below it. Record in a quiet room, away from fans and windows.`),
    );
  }
  if (takesTurns(pitch)) findings.push(severalSpeakers());
  return findings;
}

/** Standard deviation of the levels, where nothing counts as quieter than a deep pause. */
function spread(levels: readonly number[], voice: number): number {
  const held = levels.map((level) => Math.max(level, voice - DECIBELS_DOWN));
  const mean = held.reduce((sum, level) => sum + level, 0) / held.length;
  return Math.sqrt(held.reduce((sum, level) => sum + (level - mean) ** 2, 0) / held.length);
}

const blocks = (kind: Finding['kind'], text: string): Finding => ({ kind, blocks: true, text });
const severalSpeakers = (): Finding => warns('speakers', 'More than one person may be speaking. Choose a part with one person alone.');
const warns = (kind: Finding['kind'], text: string): Finding => ({ kind, blocks: false, text });
