import { assets } from '../../../contract/index.js';

/** Why there may be nothing to hear: a browser is not told which of these it is. */
export const UNPLAYABLE =
  'This sound can’t be played: no model here decodes it, its file is damaged, or its voice may not be used any more. Open it in the inspector to see what it has.';

/** Plays one sound of a list at a time. What was only encoded or taken in as tokens is decoded by the studio when it is asked for. */
export class Player {
  /** Id of the item that is heard. */
  playing = $state<string | null>(null);
  #audio: HTMLAudioElement | null = null;

  /** @param onproblem is given a sentence when a sound can't be played */
  constructor(private readonly onproblem: (sentence: string) => void) {}

  toggle(id: string): void {
    const again = this.playing === id;
    this.stop();
    if (again) return;
    const audio = new Audio(assets.sound(id));
    this.#audio = audio;
    this.playing = id;
    const over = () => {
      if (this.#audio === audio) this.stop();
    };
    audio.addEventListener('ended', over);
    audio.play().catch(() => {
      // Stopped before it began: that is no failure.
      if (this.#audio !== audio) return;
      this.stop();
      this.onproblem(UNPLAYABLE);
    });
  }

  stop(): void {
    this.#audio?.pause();
    this.#audio = null;
    this.playing = null;
  }
}
