/** The way from item to item by edits. Going back does not lose what lay ahead until another edit takes its place. */
export class History {
  #ids = $state.raw<readonly string[]>([]);
  #at = $state(-1);

  /** Begins anew with an item that no edit led to. */
  start(id: string): void {
    this.#ids = [id];
    this.#at = 0;
  }

  /** An edit of the present item made this one. */
  push(id: string): void {
    this.#ids = [...this.#ids.slice(0, this.#at + 1), id];
    this.#at = this.#ids.length - 1;
  }

  readonly canUndo = $derived(this.#at > 0);
  readonly canRedo = $derived(this.#at < this.#ids.length - 1);

  get current(): string | null {
    return this.#ids[this.#at] ?? null;
  }

  /** Steps back; returns the item that is left and the one that is come to, null where there is none. */
  undo(): { readonly from: string; readonly to: string } | null {
    return this.canUndo ? this.#step(-1) : null;
  }

  redo(): { readonly from: string; readonly to: string } | null {
    return this.canRedo ? this.#step(1) : null;
  }

  #step(by: 1 | -1): { from: string; to: string } | null {
    const from = this.#ids[this.#at];
    const to = this.#ids[this.#at + by];
    if (from === undefined || to === undefined) return null;
    this.#at += by;
    return { from, to };
  }
}
