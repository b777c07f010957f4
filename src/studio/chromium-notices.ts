/** A part of Chromium and its licence, as `LICENSES.chromium.html` of an Electron lists them. */
export interface Notice {
  name: string;
  text: string;
}

const PRODUCT = /<div class="product">\s*<span class="title">([^<]*)<\/span>([^]*?)<pre>([^]*?)<\/pre>/g;
const HOMEPAGE = /<a href="([^"]*)"/;
const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#34': '"',
  '#39': "'",
  '#x27': "'",
  nbsp: ' ',
};

/** The parts in the order of the page, each name once; none where it is another page. */
export function readChromiumNotices(html: string): Notice[] {
  const notices = new Map<string, string>();
  for (const [, title = '', head = '', licence = ''] of html.matchAll(PRODUCT)) {
    const name = plain(title).trim();
    const homepage = HOMEPAGE.exec(head)?.[1];
    const text = [...(homepage === undefined ? [] : [plain(homepage)]), plain(licence).trim()].join('\n\n');
    const before = notices.get(name);
    // Some have several licences, each with the same title.
    notices.set(name, before === undefined ? text : `${before}\n\n${text}`);
  }
  return [...notices].map(([name, text]) => ({ name, text }));
}

function plain(html: string): string {
  return html.replace(/&(#?\w+);/g, (whole, entity: string) => ENTITIES[entity] ?? whole);
}
