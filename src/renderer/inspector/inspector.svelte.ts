import type { Item, Params, StudioEvent } from '../../contract/index.js';
import type { NamedBytes } from '../shared/files.js';
import { nameOf } from '../shared/names.js';
import type { Studio } from '../studio.svelte.js';
import { CodebookView } from './codebook/codebook.svelte.js';
import { EditForm } from './edit/edit.svelte.js';
import { EditRun } from './edit/run.svelte.js';
import type { Colouring } from './grid/colouring.js';
import { NearestCodes } from './grid/nearest.svelte.js';
import { TokenSelection } from './grid/selection.svelte.js';
import { Viewport, type Cell } from './grid/viewport.svelte.js';
import { History } from './history.svelte.js';
import type { readPixels } from './pixels.js';
import { ReplayView } from './replay/replay.svelte.js';
import { Session } from './session.js';
import { decoder, openTokens } from './source.js';

export type Tab = 'depth' | 'replay' | 'codebook' | 'compare' | 'edit';
export type TokenFormat = Params<'tokens.export'>['format'];

/** What the page asks of the browser, so that tests can play it. */
export interface InspectorParts {
  download(url: string, name: string): void;
  readPixels: typeof readPixels;
  /** Puts an item into the window's address. */
  navigate(id: string): void;
  /** Whether the inspector is the page that is shown. */
  inFront(): boolean;
}

const CANDIDATES = 200;
const TOKEN_FILE = /\.(safetensors|npy)$/i;
const SOUND_FILE = /\.(wav|flac|mp3|ogg|oga|opus|m4a)$/i;

/** The inspector: the item that is open, and what a person has set up to look at it. */
export class Inspector {
  phase = $state<'empty' | 'loading' | 'ready' | 'failed'>('empty');
  /** The sentence to show when `phase` is `failed`. */
  problem = $state('');
  session = $state.raw<Session | null>(null);
  replay = $state.raw<ReplayView | null>(null);
  /** Of the open item's model. */
  codebook = $state.raw<CodebookView | null>(null);
  /** Why there is no replay. */
  replayProblem = $state('');
  tab = $state<Tab>('depth');
  colouring = $state<Colouring>('code');
  hover = $state.raw<Cell | null>(null);
  /** While a file is taken in. */
  importing = $state(false);
  /** Items that can be chosen, newest first. */
  items = $state.raw<readonly Item[]>([]);
  readonly viewport = new Viewport();
  readonly selection = new TokenSelection();
  readonly history = new History();
  readonly form = new EditForm();
  readonly run: EditRun;
  readonly nearest: NearestCodes;
  #wanted: string | null = null;
  /** Whether `items` was read: what was added since is only the newest of them. */
  #listed = false;
  /** The model whose items were listed. */
  #candidatesOf: string | null = null;
  /** Items that the codebook is to be shown of, once one of them is open. */
  #asked: readonly string[] | null = null;
  /** Tokens to select in an item that is about to be opened. */
  #light: { readonly id: string; readonly positions: readonly number[]; readonly depth: number } | null = null;

  constructor(
    private readonly studio: Studio,
    private readonly parts: InspectorParts,
  ) {
    this.run = new EditRun(studio.bridge);
    this.nearest = new NearestCodes(studio.bridge);
  }

  get item(): Item | null {
    return this.session?.tokens.item ?? null;
  }

  get busy(): boolean {
    return this.importing || this.run.running;
  }

  /** Other items of the same model: what this one can be held against and mixed with. */
  readonly candidates = $derived.by(() => {
    const { item } = this;
    return item ? this.items.filter(({ id, recipe }) => id !== item.id && recipe.model.id === item.recipe.model.id) : [];
  });

  /** Opens what the address names. */
  async follow(id: string | null): Promise<void> {
    if (!this.#listed) void this.loadItems();
    if (id === this.#wanted) return;
    if (id === null) {
      this.#wanted = null;
      this.#close();
      this.phase = 'empty';
      return;
    }
    if (id !== this.history.current) this.history.start(id);
    await this.open(id);
  }

  /** How these items use the codebook of their model, which is that of the first. */
  showCodebook(ids: readonly string[]): void {
    const [first] = ids;
    if (first === undefined) return;
    this.tab = 'codebook';
    if (first === this.item?.id) void this.codebook?.setScope({ kind: 'chosen', ids });
    else this.#asked = ids;
    this.parts.navigate(first);
  }

  /** Selects these tokens of an item: of the open one at once, of another as it is opened next. */
  light(id: string, positions: readonly number[], depth: number): void {
    if (id === this.item?.id) this.selection.choosePositions(positions, [depth - 1, depth - 1]);
    else this.#light = { id, positions, depth };
  }

  async loadItems(): Promise<void> {
    const reply = await this.studio.bridge.call('items.list', { limit: CANDIDATES, before: null, kind: null, search: '' });
    if (reply.ok) {
      const known = new Set(reply.value.items.map(({ id }) => id));
      this.items = [...reply.value.items, ...this.items.filter(({ id }) => !known.has(id))];
      this.#listed = true;
    } else this.studio.notices.error(reply.error.message);
  }

  /** The newest items of the model, which may be older than all others. */
  async #loadCandidates(model: string): Promise<void> {
    if (this.#candidatesOf === model) return;
    this.#candidatesOf = model;
    const reply = await this.studio.bridge.call('items.list', {
      limit: CANDIDATES,
      before: null,
      kind: null,
      search: '',
      filter: { model },
    });
    if (!reply.ok) return void this.studio.notices.error(reply.error.message);
    const known = new Set(this.items.map(({ id }) => id));
    this.items = [...this.items, ...reply.value.items.filter(({ id }) => !known.has(id))];
  }

  async open(id: string): Promise<void> {
    this.#wanted = id;
    // What is open stays in sight until the next is there: the eye keeps its place through a row of edits.
    if (!this.session) this.phase = 'loading';
    const reply = await openTokens(this.studio.bridge, id);
    if (this.#wanted !== id) return;
    const before = this.session?.depth;
    this.#close();
    if (!reply.ok) {
      this.phase = 'failed';
      this.problem = reply.error.message;
      return;
    }
    const tokens = reply.value;
    this.session = new Session(tokens, this.studio.bridge, this.parts.readPixels);
    this.viewport.show(tokens.L, tokens.D);
    this.selection.show(tokens.L, tokens.D);
    this.form.show(tokens);
    void this.#loadCandidates(tokens.item.recipe.model.id);
    if (!this.codebook?.isOf(tokens)) this.codebook = new CodebookView(tokens, this.studio.bridge, this.parts.readPixels);
    if (this.#asked) void this.codebook.setScope({ kind: 'chosen', ids: this.#asked });
    this.#asked = null;
    if (this.#light?.id === id) this.selection.choosePositions(this.#light.positions, [this.#light.depth - 1, this.#light.depth - 1]);
    this.#light = null;
    this.phase = 'ready';
    void this.session.depth.show(before && before.depth < before.D ? before.depth : tokens.D);
    await this.#openReplay(this.session);
  }

  async #openReplay({ tokens }: Session): Promise<void> {
    const { id } = tokens.item;
    this.replayProblem = '';
    if (!tokens.revealedAt) {
      this.replayProblem = 'No generator made these tokens, so there is nothing to replay. Generated items have their steps here.';
      return;
    }
    const reply = await this.studio.bridge.call('tokens.replay', { id });
    if (this.#wanted !== id) return;
    if (reply.ok)
      this.replay = new ReplayView(
        reply.value,
        tokens.revealedAt,
        tokens.confidence,
        decoder(this.studio.bridge, id, this.parts.readPixels),
      );
    else this.replayProblem = reply.error.message;
  }

  onEvent(event: StudioEvent): void {
    this.run.onEvent(event);
    this.session?.beside.onEvent(event);
    if (event.name === 'itemAdded' || event.name === 'itemsRemoved') this.codebook?.forget();
    if (event.name === 'itemAdded') {
      this.items = [event.payload, ...this.items.filter(({ id }) => id !== event.payload.id)];
    } else if (event.name === 'itemsRemoved') {
      const gone = event.payload;
      this.items = this.items.filter(({ id }) => !gone.includes(id));
      if (this.form.other && gone.includes(this.form.other.id)) this.form.other = null;
    }
  }

  /** Makes the edit that the form describes, and opens what comes of it. */
  async apply(): Promise<void> {
    const tokens = this.session?.tokens;
    const edit = tokens && this.form.edit(tokens, this.selection);
    if (!edit || this.busy) return;
    const { seed, className, resamples } = this.form;
    const { item } = tokens;
    const { notices } = this.studio;
    const reply = await this.run.make({ id: item.id, edit, seed, ...(resamples && className !== '' ? { className } : {}) });
    if (!reply.ok) {
      if (reply.error.code === 'cancelled') notices.announce(reply.error.message);
      else notices.error(reply.error.message);
      return;
    }
    const { id } = reply.value;
    if (this.#wanted !== item.id || !this.parts.inFront()) {
      // Somebody went on to look at something else meanwhile: that stays in sight.
      notices.say(`The edit of ${nameOf(item)} is done.`, { label: 'Open', run: () => this.parts.navigate(id) });
      return;
    }
    this.history.push(id);
    this.parts.navigate(id);
    notices.announce('A new item was made.');
    await this.open(id);
  }

  /** Back to the parent; what the edit made goes to the trash, from where `redo` takes it. */
  async undo(): Promise<void> {
    const step = this.history.undo();
    if (!step) return;
    await this.#go(step.to, () => this.studio.bridge.call('items.remove', { ids: [step.from] }));
  }

  async redo(): Promise<void> {
    const step = this.history.redo();
    if (!step) return;
    await this.#go(step.to, () => this.studio.bridge.call('items.restore', { ids: [step.to] }));
  }

  async #go(id: string, act: () => Promise<{ ok: true } | { ok: false; error: { message: string } }>): Promise<void> {
    const reply = await act();
    if (!reply.ok) this.studio.notices.error(reply.error.message);
    this.parts.navigate(id);
    await this.open(id);
  }

  /** A picture or a sound is encoded, a token file is taken as it is; each becomes an item and opens. */
  async takeFile(file: NamedBytes): Promise<void> {
    const { bridge, notices } = this.studio;
    const isTokens = TOKEN_FILE.test(file.name);
    const kind = SOUND_FILE.test(file.name) ? 'speech' : 'image';
    const model = isTokens ? (this.item?.recipe.model.id ?? this.studio.imageModel?.id ?? null) : this.#encoder(kind);
    if (!isTokens && model === null) {
      notices.error(`No model here can encode a ${kind === 'image' ? 'picture' : 'sound'}. Settings say where models are looked for.`);
      return;
    }
    this.importing = true;
    const reply = isTokens
      ? await bridge.call('tokens.import', { ...file, model })
      : await bridge.call('items.import', { ...file, model: model ?? '' });
    this.importing = false;
    if (!reply.ok) notices.error(reply.error.message);
    else this.parts.navigate(reply.value.id);
  }

  /** The open item's model where it takes files of that kind, else one that does. */
  #encoder(kind: Item['kind']): string | null {
    const { item, studio } = this;
    if (item?.kind === kind) return item.recipe.model.id;
    return (kind === 'image' ? studio.imageModel : studio.soundModel)?.id ?? null;
  }

  async save(format: TokenFormat): Promise<void> {
    if (!this.item) return;
    const reply = await this.studio.bridge.call('tokens.export', { id: this.item.id, format });
    if (!reply.ok) {
      this.studio.notices.error(reply.error.message);
      return;
    }
    this.parts.download(reply.value.url, reply.value.name);
    this.studio.notices.announce(`Saving ${reply.value.name}.`);
  }

  #close(): void {
    this.session?.close();
    this.session = null;
    this.replay?.close();
    this.replay = null;
    this.hover = null;
  }
}
