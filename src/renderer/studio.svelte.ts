import {
  type AppInfo,
  type Bridge,
  type EngineStatus,
  type Manifest,
  type ModelSummary,
  type ParamsInput,
  type Recipe,
  type Settings,
  type StudioEvent,
  presetName,
} from '../contract/index.js';
import type { Notices } from './shared/notices.svelte.js';
import { Queue } from './shared/queue/queue.svelte.js';

export interface UsableModel extends ModelSummary {
  readonly manifest: Manifest;
}

/** What every page needs: who the host is, the settings, the models and the engine, kept up to date from events. */
export class Studio {
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  /** The sentence to show when `phase` is `failed`. */
  problem = $state('');
  info = $state.raw<AppInfo | null>(null);
  settings = $state.raw<Settings | null>(null);
  models = $state.raw<readonly ModelSummary[]>([]);
  engine = $state.raw<EngineStatus | null>(null);
  readonly queue: Queue;

  constructor(
    readonly bridge: Bridge,
    readonly notices: Notices,
  ) {
    this.queue = new Queue(bridge, notices);
  }

  /** Reads everything again; also after a reconnection, when events may have been missed. */
  async load(): Promise<void> {
    const [info, settings, models, engine] = await Promise.all([
      this.bridge.call('app.info', null),
      this.bridge.call('settings.get', null),
      this.bridge.call('models.list', null),
      this.bridge.call('engine.status', null),
    ]);
    for (const reply of [info, settings, models, engine]) {
      if (reply.ok) continue;
      // What is on the screen is still worth more than an empty page.
      if (this.phase === 'ready') this.notices.error(reply.error.message);
      else {
        this.problem = reply.error.message;
        this.phase = 'failed';
      }
      return;
    }
    if (!info.ok || !settings.ok || !models.ok || !engine.ok) return;
    this.info = info.value;
    this.settings = settings.value;
    this.models = models.value;
    this.engine = engine.value;
    this.phase = 'ready';
  }

  onEvent(event: StudioEvent): void {
    if (event.name === 'engine') this.engine = event.payload;
    else if (event.name === 'settings') this.settings = event.payload;
    else if (event.name === 'job') this.queue.onJob(event.payload);
    else if (event.name === 'jobsRemoved') this.queue.onRemoved(event.payload);
  }

  /** Packages that can draw pictures. */
  get imageModels(): UsableModel[] {
    return this.models.filter((m): m is UsableModel => m.problem === null && m.manifest?.kind === 'image');
  }

  /** The package that the Images page works with: the one used last, else the first that can generate. */
  get imageModel(): UsableModel | null {
    const usable = this.imageModels;
    return usable.find((m) => m.id === this.settings?.lastModel) ?? usable.find((m) => m.manifest.files.step) ?? usable[0] ?? null;
  }

  /** A package that takes sounds in. */
  get soundModel(): UsableModel | null {
    const sounds = this.models.filter((m): m is UsableModel => m.problem === null && m.manifest?.kind === 'speech');
    return sounds.find((m) => m.manifest.files.encode) ?? null;
  }

  /** Packages that speak. */
  get speechModels(): UsableModel[] {
    return this.models.filter(
      (m): m is UsableModel => m.problem === null && m.manifest?.kind === 'speech' && m.manifest.files.step !== undefined,
    );
  }

  /** Name of the preset that a recipe was made with, '' where it was none or its model is not here. */
  presetOf({ model, sampling }: Recipe): string {
    const manifest = this.models.find(({ id }) => id === model.id)?.manifest;
    return manifest ? presetName(manifest, sampling) : '';
  }

  get brokenModels(): ModelSummary[] {
    return this.models.filter((m) => m.problem !== null);
  }

  async changeSettings(change: ParamsInput<'settings.set'>): Promise<void> {
    const before = this.settings;
    // Shown at once: a switch that waits for the disk feels broken.
    if (before) this.settings = { ...before, ...(change as Partial<Settings>) };
    const reply = await this.bridge.call('settings.set', change);
    if (reply.ok) this.settings = reply.value;
    else {
      this.settings = before;
      this.notices.error(reply.error.message);
    }
  }
}
