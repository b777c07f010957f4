import { expect, type Locator, type Page } from '@playwright/test';
import type { CallName, ParamsInput, Reply, Result } from '../../../src/contract/index.js';
import type { Host } from './host.js';

/** The studio as a person sees it: one name for each thing that tests look at or do. */
export class StudioPage {
  /** @param page another one than the host's own, of a second browser */
  constructor(
    readonly host: Host,
    readonly page: Page = host.page,
  ) {}

  get classSearch(): Locator {
    return this.page.getByRole('combobox', { name: 'Classes' });
  }

  /** One for each chosen class, named `Remove <class>`. */
  get chosenClasses(): Locator {
    return this.page.getByRole('list', { name: 'Chosen classes' }).getByRole('button', { name: /^Remove / });
  }

  get messages(): Locator {
    return this.page.getByRole('region', { name: 'Messages' });
  }

  get count(): Locator {
    return this.page.getByRole('spinbutton', { name: 'Count', exact: true });
  }

  get seed(): Locator {
    return this.page.getByRole('spinbutton', { name: 'Seed', exact: true });
  }

  get generateButton(): Locator {
    return this.page.getByRole('button', { name: /^(Generate|Add to queue)/ });
  }

  get stopButton(): Locator {
    return this.page.getByRole('button', { name: 'Stop', exact: true });
  }

  get progress(): Locator {
    return this.page.getByRole('progressbar', { name: 'Progress of the run' });
  }

  /** Pictures decoded from the tokens so far, while a job runs. */
  get previews(): Locator {
    return this.page.getByRole('region', { name: 'Current run' }).getByRole('img');
  }

  /** Finished pictures, newest first. */
  get pictures(): Locator {
    return this.page.getByRole('listbox', { name: 'Pictures' }).getByRole('option');
  }

  get viewer(): Locator {
    return this.page.getByRole('dialog');
  }

  async chooseClass(name: string): Promise<void> {
    await this.page.getByRole('listbox', { name: 'Classes' }).getByRole('option', { name, exact: true }).click();
  }

  async setCount(count: number): Promise<void> {
    await this.count.fill(String(count));
    await this.count.blur();
  }

  async setSeed(seed: number): Promise<void> {
    await this.seed.fill(String(seed));
    await this.seed.blur();
  }

  async choosePreset(name: 'Fast' | 'Balanced' | 'Best'): Promise<void> {
    await this.page.getByRole('radiogroup', { name: 'Quality' }).getByText(name).click();
  }

  /** Fills the form and starts a job; does not wait for it. */
  async start(options: { class: string; count: number; seed: number }): Promise<void> {
    await this.chooseClass(options.class);
    await this.setCount(options.count);
    await this.setSeed(options.seed);
    await this.generateButton.click();
  }

  /** Makes pictures and waits until all of them are in the gallery. */
  async make(options: { class: string; count: number; seed: number }): Promise<void> {
    const before = await this.pictures.count();
    await this.start(options);
    await expect(this.pictures).toHaveCount(before + options.count);
  }

  async openSettings(): Promise<void> {
    await this.page.getByRole('link', { name: 'Settings', exact: true }).click();
    await expect(this.page.getByRole('heading', { name: 'Settings', level: 1 })).toBeVisible();
  }

  /** Opens the tokens of the newest picture. */
  async inspectNewest(): Promise<void> {
    await this.pictures.first().click();
    await this.viewer.getByRole('link', { name: 'Inspect tokens' }).click();
    await expect(this.tokenGrid).toBeVisible();
  }

  get tokenGrid(): Locator {
    return this.page.getByRole('application', { name: /^Tokens of / });
  }

  /** The picture of the item that is open in the inspector. */
  get inspectedPicture(): Locator {
    return this.page.getByRole('complementary', { name: 'View of the item' }).getByRole('img');
  }

  async openTool(name: 'Depth' | 'Replay' | 'Codebook' | 'Compare' | 'Edit'): Promise<void> {
    await this.page.getByRole('tab', { name, exact: true }).click();
  }

  async openImages(): Promise<void> {
    await this.page.getByRole('link', { name: 'Images', exact: true }).click();
  }

  /** Opens the newest picture and saves it through the menu of the viewer. */
  async saveNewest(format: 'PNG' | 'JPEG' | 'WebP'): Promise<{ name: string; bytes: Buffer }> {
    await this.pictures.first().click();
    const file = await this.host.download(async () => {
      await this.viewer.getByRole('button', { name: 'Save' }).click();
      await this.viewer.getByRole('menuitem', { name: format }).click();
    });
    await this.viewer.getByRole('button', { name: 'Close', exact: true }).click();
    return file;
  }

  /** Lets go of a file above the window. */
  async drop(file: { name: string; bytes: Buffer; type: string }): Promise<void> {
    await this.page.evaluate(
      async ({ name, base64, type }) => {
        const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([bytes], name, { type }));
        const send = (kind: 'dragover' | 'drop'): unknown =>
          document.body.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
        // As people do: a page that has just been turned to says when it takes the file.
        for (let waited = 0; waited < 5000 && !document.querySelector('.drop'); waited += 20) {
          send('dragover');
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        send('drop');
      },
      { name: file.name, type: file.type, base64: file.bytes.toString('base64') },
    );
  }

  /** Asks the studio itself, with what this page may ask, where the window does not show the answer. */
  async call<N extends CallName>(name: N, params: ParamsInput<N>): Promise<Result<N>> {
    const reply = (await this.page.evaluate(
      async ({ name, params }) => {
        if (window.studio) return window.studio.call(name as 'app.info', params as null);
        const response = await fetch(`/api/${name}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(params),
        });
        return (await response.json()) as unknown;
      },
      { name: name as string, params: params as unknown },
    )) as Reply<Result<N>>;
    if (!reply.ok) throw new Error(reply.error.message);
    return reply.value;
  }
}
