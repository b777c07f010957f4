export type Page = 'images' | 'library' | 'inspector' | 'speak' | 'voices' | 'settings';

const SPEAK = '#/speak';
const INSPECTOR = '#/inspector';

/** The page that the window's address names. */
export function pageOf(hash: string): Page {
  if (hash === '#/settings') return 'settings';
  if (hash === '#/library') return 'library';
  if (hash === SPEAK || hash.startsWith(`${SPEAK}/`)) return 'speak';
  if (hash === '#/voices') return 'voices';
  return hash === INSPECTOR || hash.startsWith(`${INSPECTOR}/`) ? 'inspector' : 'images';
}

/** The voice that the address asks to speak with. */
export function speakingVoice(hash: string): string | null {
  return hash.slice(SPEAK.length + 1) || null;
}

export function speakAddress(voice: string): string {
  return `${SPEAK}/${voice}`;
}

/** The item whose tokens the address names; null where the inspector asks for one. */
export function inspectedId(hash: string): string | null {
  return hash.slice(INSPECTOR.length + 1) || null;
}

export function inspectorAddress(item: string | null): string {
  return item === null ? INSPECTOR : `${INSPECTOR}/${item}`;
}
