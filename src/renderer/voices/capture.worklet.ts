/** Runs in the audio thread: hands the microphone's samples over in blocks of a 43rd of a second, so that there are not hundreds of messages. */

// TypeScript has no types for what is global in an audio worklet.
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: typeof AudioWorkletProcessor): void;

const BLOCK = 1024;

registerProcessor(
  'capture',
  class extends AudioWorkletProcessor {
    #block = new Float32Array(BLOCK);
    #filled = 0;

    process([input]: readonly (readonly Float32Array[])[]): boolean {
      const samples = input?.[0];
      if (samples) {
        this.#block.set(samples, this.#filled);
        this.#filled += samples.length;
      }
      if (this.#filled === BLOCK) {
        this.port.postMessage(this.#block, [this.#block.buffer]);
        this.#block = new Float32Array(BLOCK);
        this.#filled = 0;
      }
      return true;
    }
  },
);
