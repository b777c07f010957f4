const STEP = 1.25;
const LIMIT = 16;

/** How a picture is looked at. Two panes that share one are zoomed and moved together. */
export class ZoomView {
  /** 1 fills the pane. */
  zoom = $state(1);
  /** Square pixels instead of smooth ones. */
  crisp = $state(false);
  /** Shift from the middle, in shares of the pane's side. */
  x = $state(0);
  y = $state(0);

  in(): void {
    this.#set(this.zoom * STEP);
  }

  out(): void {
    this.#set(this.zoom / STEP);
  }

  fit(): void {
    this.#set(1);
  }

  pan(dx: number, dy: number): void {
    const most = Math.max(0, (this.zoom - 1) / 2);
    this.x = Math.min(most, Math.max(-most, this.x + dx));
    this.y = Math.min(most, Math.max(-most, this.y + dy));
  }

  /** The keys that every viewer shares; false for any other. */
  key(key: string): boolean {
    if (key === '+' || key === '=') this.in();
    else if (key === '-') this.out();
    else if (key === '0') this.fit();
    else if (key === 'x') this.crisp = !this.crisp;
    else return false;
    return true;
  }

  #set(zoom: number): void {
    const next = Math.min(LIMIT, Math.max(1, Math.abs(zoom - 1) < 0.05 ? 1 : zoom));
    const ratio = next / this.zoom;
    this.zoom = next;
    this.x *= ratio;
    this.y *= ratio;
    this.pan(0, 0);
  }
}
