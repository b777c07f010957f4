import { assets } from '../../../contract/index.js';

/** Plays one sound of a list at a time. */
export class Player {
  /** Id of the item that is heard. */
  playing = $state<string | null>(null);
  #audio: HTMLAudioElement | null = null;

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
    // Its file is gone, or there is nothing to play it on: the sign on the button says so.
    audio.play().catch(over);
  }

  stop(): void {
    this.#audio?.pause();
    this.#audio = null;
    this.playing = null;
  }
}
