import { LIMITS, StudioError, formatBytes, limitClause } from '../contract/index.js';
import { memoryCap } from '../engine/onnx/memory-cap.js';

const LOOK_MS = 1000;

export interface WatchOptions {
  /** Bytes of memory that the engine process takes, or null where the host can't tell. */
  residentBytes: () => number | null;
  /** Told once; the process is then to be ended. */
  onRunaway: (error: StudioError) => void;
  runMs?: number;
  memoryBytes?: number;
}

/**
 * Looks after an engine process that works: a graph may be made so as never to end or to fill the memory, and onnxruntime, once it runs one,
 * can't be stopped from inside of its process.
 */
export class EngineWatch {
  #timer: NodeJS.Timeout | undefined;
  #silentMs = 0;

  constructor(private readonly options: WatchOptions) {}

  /** The process was given work, or said something. */
  heard(): void {
    this.#silentMs = 0;
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** It has nothing to do, or is gone. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const { residentBytes, onRunaway, runMs = LIMITS.graph.limits.runMs.value, memoryBytes = memoryCap() } = this.options;
    // Counted, not read off a clock: while the machine slept, time has passed and nothing could be said.
    this.#silentMs += LOOK_MS;
    const problem =
      this.#silentMs > runMs
        ? `A run of the model takes too long; ${limitClause({ ...LIMITS.graph.limits.runMs, value: runMs })}.`
        : (residentBytes() ?? 0) > memoryBytes
          ? `The model takes too much memory; ${formatBytes(memoryBytes)} is what this machine can give it.`
          : null;
    if (problem === null) return;
    this.stop();
    onRunaway(new StudioError('refused', `${problem} It was stopped. Choose a smaller batch or another model.`));
  }
}
