export interface Toast {
  readonly id: number;
  readonly tone: 'plain' | 'error';
  readonly text: string;
  readonly action: { label: string; run: () => void } | null;
}

const SHORT_MS = 5000;
/** Long enough to read the sentence and reach the button. */
const ACTION_MS = 10_000;

/** Short messages at the edge of the window, and sentences for screen readers. */
export class Notices {
  toasts = $state.raw<readonly Toast[]>([]);
  /** The text of the polite live region. */
  spoken = $state('');
  #nextId = 1;
  #timers = new Map<number, ReturnType<typeof setTimeout>>();

  say(text: string, action: Toast['action'] = null): number {
    return this.#add('plain', text, action);
  }

  error(text: string, action: Toast['action'] = null): number {
    return this.#add('error', text, action);
  }

  announce(text: string): void {
    // A repeated sentence is no change of the region's text, and would stay silent.
    this.spoken = text === this.spoken ? `${text}\u00a0` : text;
  }

  /** Runs the action of the newest toast that offers to undo. */
  undo(): void {
    const toast = this.toasts.findLast((t) => t.action?.label === 'Undo');
    if (!toast) return;
    this.dismiss(toast.id);
    toast.action?.run();
  }

  dismiss(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.toasts = this.toasts.filter((toast) => toast.id !== id);
  }

  /** Stops the clock while the pointer or the focus is on a toast. */
  hold(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  release(id: number): void {
    const toast = this.toasts.find((t) => t.id === id);
    if (toast && !this.#timers.has(id)) this.#expire(toast);
  }

  #add(tone: Toast['tone'], text: string, action: Toast['action']): number {
    const toast: Toast = { id: this.#nextId++, tone, text, action };
    const others = this.toasts.filter((t) => t.action !== null || t.text !== text);
    this.toasts = [...others.slice(-2), toast];
    this.announce(text);
    this.#expire(toast);
    return toast.id;
  }

  #expire(toast: Toast): void {
    const ms = toast.action || toast.tone === 'error' ? ACTION_MS : SHORT_MS;
    this.#timers.set(
      toast.id,
      setTimeout(() => this.dismiss(toast.id), ms),
    );
  }
}
