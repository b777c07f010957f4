/** What a sound can be saved as, the safest first. */
export const SOUND_FORMATS = [
  { value: 'wav', label: 'WAV', hint: 'Exact, opens anywhere' },
  { value: 'flac', label: 'FLAC', hint: 'Exact, about half the size' },
  { value: 'mp3', label: 'MP3', hint: 'Smallest, opens anywhere' },
] as const;
