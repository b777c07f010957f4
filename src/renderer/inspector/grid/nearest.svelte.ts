import type { Bridge } from '../../../contract/index.js';
import { Latest } from '../latest.js';

const COUNT = 4;
/** A pointer that crosses the grid asks for nothing. */
const REST_MS = 120;

/** The codes nearest to the one under the pointer. */
export class NearestCodes {
  codes = $state.raw<readonly number[] | null>(null);
  #known = new Map<string, readonly number[]>();
  #latest = new Latest();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wanted = '';

  constructor(private readonly bridge: Bridge) {}

  /** @param depth 1..D */
  ask(model: string, depth: number, code: number): void {
    const key = `${model} ${depth} ${code}`;
    if (key === this.#wanted) return;
    this.#wanted = key;
    clearTimeout(this.#timer);
    this.codes = this.#known.get(key) ?? null;
    if (this.codes) return;
    this.#timer = setTimeout(() => {
      void this.#latest.run(async () => {
        const reply = await this.bridge.call('codebook.nearest', { model, depth, code, count: COUNT });
        if (!reply.ok) return;
        const codes = reply.value.map((near) => near.code).filter((near) => near !== code);
        this.#known.set(key, codes);
        if (this.#wanted === key) this.codes = codes;
      });
    }, REST_MS);
  }
}
