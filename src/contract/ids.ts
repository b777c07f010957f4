import { z } from 'zod';

const Id = z.string().regex(/^[0-9a-z]{8,40}$/, 'must be an id made by the studio');
export const ItemId = Id;
export const JobId = Id;
export const VoiceId = Id;
/** Names one running edit. Made by whoever asks for it, to follow and to stop it before it has answered. */
export const EditRunId = Id;
