/** Weight of the newest step in the running mean: a few steps are enough to follow a change of load. */
const NEWEST = 0.2;

/** Estimates how long a job still takes from the time of its steps. */
export class TimeLeft {
  #lastStep: number;
  #msPerPictureStep: number | null = null;

  constructor(now = performance.now()) {
    this.#lastStep = now;
  }

  /** To be called when a batch starts, so that what lies between two batches counts as no step. */
  restart(now = performance.now()): void {
    this.#lastStep = now;
  }

  /**
   * @param batch pictures sampled together
   * @param pictureSteps steps left, each counted once for every picture it works on
   * @returns seconds
   */
  afterStep(batch: number, pictureSteps: number, now = performance.now()): number {
    const ms = (now - this.#lastStep) / batch;
    this.#lastStep = now;
    this.#msPerPictureStep = this.#msPerPictureStep === null ? ms : this.#msPerPictureStep * (1 - NEWEST) + ms * NEWEST;
    return (this.#msPerPictureStep * pictureSteps) / 1000;
  }
}
