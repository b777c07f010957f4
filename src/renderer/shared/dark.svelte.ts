import { MediaQuery } from 'svelte/reactivity';
import type { Theme } from '../../contract/index.js';

/** Whether the window is dark now, for what draws with colours of its own. */
export class Dark {
  readonly #preferred = new MediaQuery('(prefers-color-scheme: dark)');

  constructor(private readonly theme: () => Theme | undefined) {}

  get current(): boolean {
    const theme = this.theme() ?? 'system';
    return theme === 'dark' || (theme === 'system' && this.#preferred.current);
  }
}
