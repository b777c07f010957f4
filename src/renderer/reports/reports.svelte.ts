import { type Bridge, type CrashReport, LIMITS, type StudioEvent } from '../../contract/index.js';
import type { Notices } from '../shared/notices.svelte.js';

const LONGEST = LIMITS.reports.limits.pageError.value;

/** Reports of crashes: which are there, which is being read. */
export class Reports {
  all = $state.raw<readonly CrashReport[]>([]);
  /** Null while none is open. */
  open = $state.raw<{ readonly report: CrashReport; readonly text: string } | null>(null);

  constructor(
    private readonly bridge: Bridge,
    private readonly notices: Notices,
  ) {}

  /** Those to offer, newest first. */
  get offered(): readonly CrashReport[] {
    return this.all.filter(({ isNew }) => isNew);
  }

  async load(): Promise<void> {
    const reply = await this.bridge.call('reports.list', null);
    if (reply.ok) this.all = reply.value;
  }

  onEvent(event: StudioEvent): void {
    if (event.name === 'reportAdded') this.all = [event.payload, ...this.all.filter(({ name }) => name !== event.payload.name)];
    else if (event.name === 'reportsDismissed') this.all = this.all.map((report) => ({ ...report, isNew: false }));
  }

  async show(report: CrashReport): Promise<void> {
    const reply = await this.bridge.call('reports.read', { name: report.name });
    if (reply.ok) this.open = { report, text: reply.value.text };
    else this.notices.error(reply.error.message);
  }

  close(): void {
    this.open = null;
  }

  async copy(text: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.notices.say('The report was copied.');
    } catch {
      // A browser gives it to secure pages only.
      this.notices.error('This browser lets no page copy here. Select the text and copy it.');
    }
  }

  async openFolder(): Promise<void> {
    const reply = await this.bridge.call('reports.openFolder', null);
    if (!reply.ok) this.notices.error(reply.error.message);
  }

  async dismiss(): Promise<void> {
    const reply = await this.bridge.call('reports.dismiss', null);
    if (!reply.ok) this.notices.error(reply.error.message);
  }

  /** Tells the studio of errors that nobody caught; returns the function that stops. */
  watchPage(target: EventTarget): () => void {
    const onError = (event: Event): void => this.#tell((event as ErrorEvent).error);
    const onRejection = (event: Event): void => this.#tell((event as PromiseRejectionEvent).reason);
    target.addEventListener('error', onError);
    target.addEventListener('unhandledrejection', onRejection);
    return () => {
      target.removeEventListener('error', onError);
      target.removeEventListener('unhandledrejection', onRejection);
    };
  }

  /** Only of errors: what the browser itself grumbles about, an observer that was late for one, comes without. */
  #tell(error: unknown): void {
    if (!(error instanceof Error)) return;
    const [message, stack] = [error.message.slice(0, LONGEST), (error.stack ?? '').slice(0, LONGEST)];
    void this.bridge.call('reports.addPageError', { message, stack });
  }
}
