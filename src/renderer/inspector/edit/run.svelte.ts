import type { Bridge, Item, ParamsInput, Reply, StudioEvent } from '../../../contract/index.js';

/** The edit that is being made: how far it is, and the way to stop it. */
export class EditRun {
  running = $state(false);
  /** True from the wish to stop to the end. */
  stopping = $state(false);
  /** Null until the generator's first step, and where nothing is generated. */
  progress = $state.raw<{ readonly step: number; readonly steps: number } | null>(null);
  #run = '';

  constructor(private readonly bridge: Bridge) {}

  async make(params: Omit<ParamsInput<'tokens.edit'>, 'run'>): Promise<Reply<Item>> {
    const run = newRun();
    this.#run = run;
    this.running = true;
    this.stopping = false;
    this.progress = null;
    const reply = await this.bridge.call('tokens.edit', { ...params, run });
    this.running = false;
    return reply;
  }

  /** The studio then answers the edit with `cancelled`. */
  async stop(): Promise<void> {
    if (!this.running || this.stopping) return;
    this.stopping = true;
    await this.bridge.call('tokens.cancel', { run: this.#run });
  }

  onEvent(event: StudioEvent): void {
    if (event.name !== 'edit' || event.payload.run !== this.#run || !this.running) return;
    const { step, steps } = event.payload;
    this.progress = { step, steps };
  }
}

/** Not `randomUUID`, which a page that is served over plain HTTP does not have. */
function newRun(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
