/** Which items are marked, by id; ranges run over the order that the gallery shows. */
export class Selection {
  ids = $state.raw<ReadonlySet<string>>(new Set());
  /** The row that the keyboard is on. */
  active = $state<string | null>(null);
  /** Where a range begins. */
  #anchor: string | null = null;

  get size(): number {
    return this.ids.size;
  }

  has(id: string): boolean {
    return this.ids.has(id);
  }

  only(id: string): void {
    this.ids = new Set([id]);
    this.#anchor = this.active = id;
  }

  toggle(id: string): void {
    const next = new Set(this.ids);
    if (!next.delete(id)) next.add(id);
    this.ids = next;
    this.#anchor = this.active = id;
  }

  /** Everything from the anchor to `id`, and nothing else. */
  extendTo(id: string, order: readonly string[]): void {
    const from = this.#anchor === null ? -1 : order.indexOf(this.#anchor);
    const to = order.indexOf(id);
    if (to < 0) return;
    if (from < 0) return this.only(id);
    this.ids = new Set(order.slice(Math.min(from, to), Math.max(from, to) + 1));
    this.active = id;
  }

  replace(ids: Iterable<string>): void {
    this.ids = new Set(ids);
  }

  clear(): void {
    if (this.ids.size > 0) this.ids = new Set();
    this.#anchor = this.active;
  }

  /** Moves the keyboard's row by `by` places, and marks the way there when `extend`. */
  move(by: number, order: readonly string[], extend: boolean): void {
    if (order.length === 0) return;
    const at = this.active === null ? -1 : order.indexOf(this.active);
    const to = at < 0 ? 0 : Math.min(order.length - 1, Math.max(0, at + by));
    const id = order[to];
    if (id === undefined) return;
    if (!extend) {
      this.active = id;
      return;
    }
    this.#anchor ??= this.active ?? id;
    this.extendTo(id, order);
  }

  /** Forgets items that are gone; the keyboard's row goes to the neighbour that took its place. */
  forget(gone: ReadonlySet<string>, orderBefore: readonly string[]): void {
    this.ids = new Set([...this.ids].filter((id) => !gone.has(id)));
    if (this.#anchor !== null && gone.has(this.#anchor)) this.#anchor = null;
    if (this.active === null || !gone.has(this.active)) return;
    const at = orderBefore.indexOf(this.active);
    const after = orderBefore.slice(at).find((id) => !gone.has(id));
    this.active = after ?? orderBefore.slice(0, at).findLast((id) => !gone.has(id)) ?? null;
  }
}
