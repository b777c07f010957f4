/**
 * Runs one task at a time and keeps only the newest of those that wait: while a slider is dragged the picture follows as fast as it can,
 * and never through positions that the hand has left.
 */
export class Latest {
  #next: (() => Promise<void>) | null = null;
  #running = false;

  /** Drops whatever waits and did not start. */
  cancel(): void {
    this.#next = null;
  }

  /** Ends when the task has run, or at once where another runs: then that one's end starts it. */
  async run(task: () => Promise<void>): Promise<void> {
    this.#next = task;
    if (this.#running) return;
    this.#running = true;
    try {
      for (let now = this.#take(); now; now = this.#take()) await now();
    } finally {
      this.#running = false;
    }
  }

  #take(): (() => Promise<void>) | null {
    const next = this.#next;
    this.#next = null;
    return next;
  }
}
