import { z } from 'zod';
import { ExportedFile, FileName, Upload } from './files.js';
import { VoiceId } from './ids.js';
import { LIMITS, numbers } from './limits.js';

/** Calls of the voices, and what is stored of one. A voice is a clip of somebody's speech and the consent to use it. */

/** Samples a second of every clip that is kept. */
export const VOICE_RATE = 16_000;

export const VOICE_LIMITS = numbers(LIMITS.voices);

const PLAIN_TEXT = /^[^\p{Cc}]*$/u;

/** Names differ by more than case, so that one can be asked for by its name. */
export const VoiceName = z.string().trim().min(1).max(VOICE_LIMITS.name).regex(PLAIN_TEXT, 'must be plain text');

/** What the person who gave the clip said about its use, and when. */
export const Consent = z.strictObject({ sentence: z.string().min(1).max(VOICE_LIMITS.consent), at: z.int() });
export type Consent = z.infer<typeof Consent>;

/** Seconds of a clip; `until` is where it ends. */
export const Region = z
  .strictObject({ from: z.number().min(0), until: z.number().min(0) })
  .refine(({ from, until }) => until > from, 'must end after it begins');
export type Region = z.infer<typeof Region>;

export const Voice = z.strictObject({
  id: VoiceId,
  name: VoiceName,
  createdAt: z.int(),
  seconds: z.number(),
  /** Name of the file that the clip is from. */
  source: FileName,
  consent: Consent,
  /** Items made with it, those in the trash left out. */
  items: z.int(),
  /** Set while it is in the trash. */
  deletedAt: z.int().nullable(),
});
export type Voice = z.infer<typeof Voice>;

/** What lies beside a clip on the disk, and leaves the studio with it. */
export const VoiceFile = z.strictObject({
  format: z.literal(1),
  name: VoiceName,
  createdAt: z.int(),
  source: FileName,
  consent: Consent,
});
export type VoiceFile = z.infer<typeof VoiceFile>;

/** Something about a clip that keeps it from being a good voice, or with `blocks` from being one at all: a sentence that says how to do better. */
export const Finding = z.strictObject({
  kind: z.enum([
    'short',
    'long',
    'silent',
    'broken',
    'clipped',
    'quiet',
    'noisy',
    'pauses',
    'no-speech',
    'music',
    'speakers',
    'narrow',
    'channels',
  ]),
  blocks: z.boolean(),
  text: z.string(),
});
export type Finding = z.infer<typeof Finding>;

const SoundFile = z.strictObject({ name: FileName, bytes: Upload });
const OneVoice = z.strictObject({ id: VoiceId });

export const voiceCalls = {
  /** All voices, newest first, those in the trash too. */
  'voices.list': { params: z.null(), result: z.array(Voice) },
  /** Reads a sound file (WAV, FLAC, MP3, Ogg Vorbis or Opus) as it is going to be shown and trimmed. */
  'voices.open': {
    params: SoundFile,
    result: z.strictObject({
      /** WAV, mono, of `VOICE_RATE`. */
      sound: z.instanceof(Uint8Array),
      seconds: z.number(),
      /** From the first word to the last, as far as a voice may be long. */
      suggested: Region,
    }),
  },
  /** What is wrong with a clip, or with a part of it. */
  'voices.check': { params: z.strictObject({ file: SoundFile, region: Region.nullable() }), result: z.array(Finding) },
  /** Keeps a clip, or a part of it, as a voice; without a consent it is refused with `no-consent`. */
  'voices.add': {
    params: z.strictObject({
      name: VoiceName,
      file: SoundFile,
      region: Region.nullable(),
      consent: z.string().trim().max(VOICE_LIMITS.consent).regex(PLAIN_TEXT, 'must be plain text').default(''),
    }),
    result: Voice,
  },
  'voices.rename': { params: z.strictObject({ id: VoiceId, name: VoiceName }), result: Voice },
  /** To the trash, with every item that was made with it; `voices.restore` undoes both. */
  'voices.remove': { params: OneVoice, result: z.null() },
  'voices.restore': { params: OneVoice, result: Voice },
  /** Out of the trash for good, with every item that was made with it and is there too. */
  'voices.purge': { params: OneVoice, result: z.null() },
  /** A zip of the clip (WAV) and its consent (JSON). */
  'voices.export': { params: OneVoice, result: ExportedFile },
} as const;
