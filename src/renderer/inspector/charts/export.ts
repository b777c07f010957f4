import { download } from '../../shared/files.js';

const NAMESPACE = 'http://www.w3.org/2000/svg';

/** Around a chart that is a file of its own. */
const MARGIN = 12;

const PROPERTIES = [
  'fill',
  'fill-opacity',
  'stroke',
  'stroke-width',
  'stroke-opacity',
  'stroke-dasharray',
  'stroke-linecap',
  'stroke-linejoin',
  'opacity',
  'font-family',
  'font-size',
  'font-weight',
  'text-anchor',
  'dominant-baseline',
] as const;

/** A drawing as a file of its own. */
export interface Drawing {
  readonly svg: string;
  readonly width: number;
  readonly height: number;
}

/**
 * A chart of the page with its title and its key: its styles and colours written into each element, the ground behind it.
 * @param figure holds the chart itself and above it a caption, with the title as `strong` and each entry of the key as a mark and its words
 */
export function drawingOf(figure: HTMLElement): Drawing {
  const chart = figure.querySelector<SVGSVGElement>(':scope > svg');
  const caption = figure.querySelector<HTMLElement>(':scope > figcaption');
  if (!chart || !caption) throw new TypeError('A figure is a caption and a chart.');
  const copy = chart.cloneNode(true) as SVGSVGElement;
  const originals = chart.querySelectorAll<SVGElement>('*');
  copy.querySelectorAll<SVGElement>('*').forEach((part, n) => {
    const original = originals[n];
    if (!original) return;
    const style = getComputedStyle(original);
    for (const name of PROPERTIES) part.setAttribute(name, plainColour(style.getPropertyValue(name)));
    part.removeAttribute('class');
    part.removeAttribute('style');
  });
  const above = caption.offsetHeight;
  const { width: inner, height: below } = chart.viewBox.baseVal;
  const [width, height] = [inner + 2 * MARGIN, above + below + 2 * MARGIN];
  const plot = element('g', { transform: `translate(0 ${above})` });
  plot.append(...copy.childNodes);
  const ground = element('rect', { x: `${-MARGIN}`, y: `${-MARGIN}`, width: '100%', height: '100%', fill: plainColour(groundOf(chart)) });
  copy.replaceChildren(ground, ...headingOf(caption), plot);
  copy.setAttribute('xmlns', NAMESPACE);
  copy.setAttribute('viewBox', `${-MARGIN} ${-MARGIN} ${width} ${height}`);
  copy.setAttribute('width', String(width));
  copy.setAttribute('height', String(height));
  copy.removeAttribute('class');
  return { svg: new XMLSerializer().serializeToString(copy), width, height };
}

/** Title and key where they stand on the page. */
function headingOf(caption: HTMLElement): SVGElement[] {
  const origin = caption.getBoundingClientRect();
  const middle = origin.height / 2;
  return [...caption.querySelectorAll<HTMLElement>('strong, .key')].flatMap((part) => {
    const mark = part.querySelector('i');
    const style = getComputedStyle(part);
    const words = document.createRange();
    words.selectNode(part.lastChild ?? part);
    const text = element('text', {
      x: String(words.getBoundingClientRect().left - origin.left),
      y: String(middle),
      'dominant-baseline': 'central',
      fill: plainColour(style.color),
      'font-family': style.fontFamily,
      'font-size': style.fontSize,
      'font-weight': style.fontWeight,
    });
    text.textContent = part.textContent.trim();
    return mark ? [markOf(mark, origin), text] : [text];
  });
}

/** A line where the mark is a border, else a dot. */
function markOf(mark: HTMLElement, origin: DOMRect): SVGElement {
  const { left, width, height } = mark.getBoundingClientRect();
  const [x, y] = [left - origin.left, origin.height / 2];
  const { borderTopWidth, borderTopStyle, borderTopColor, backgroundColor } = getComputedStyle(mark);
  if (borderTopStyle === 'none')
    return element('circle', { cx: String(x + width / 2), cy: String(y), r: String(height / 2), fill: plainColour(backgroundColor) });
  return element('line', {
    x1: String(x),
    x2: String(x + width),
    y1: String(y),
    y2: String(y),
    stroke: plainColour(borderTopColor),
    'stroke-width': borderTopWidth,
    ...(borderTopStyle === 'dashed' && { 'stroke-dasharray': '4 3' }),
  });
}

function element(name: string, attributes: Readonly<Record<string, string>>): SVGElement {
  const made = document.createElementNS(NAMESPACE, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

export function saveSvg({ svg }: Drawing, name: string): void {
  save(new Blob([svg], { type: 'image/svg+xml' }), `${name}.svg`);
}

const PNG_SCALE = 2;
const KEEP_MS = 10 * 60_000;

/** @throws DOMException when the browser can't draw it */
export async function savePng({ svg, width, height }: Drawing, name: string): Promise<void> {
  const url = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = new OffscreenCanvas(width * PNG_SCALE, height * PNG_SCALE);
    canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
    save(await canvas.convertToBlob({ type: 'image/png' }), `${name}.png`);
  } finally {
    URL.revokeObjectURL(url);
  }
}

function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  download(url, name);
  // The browser reads it after this turn, in Electron once the person has answered where to save it.
  setTimeout(() => URL.revokeObjectURL(url), KEEP_MS);
}

function groundOf(element: Element): string {
  for (let at: Element | null = element; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (colour !== 'transparent' && colour !== 'rgba(0, 0, 0, 0)') return colour;
  }
  return 'white';
}

/** Drawing programs read rgb() but neither oklch() nor color-mix(). */
export function plainColour(value: string): string {
  if (!/^(oklch|oklab|color|lab|lch)\(/.test(value)) return value;
  const context = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  if (!context) return value;
  context.fillStyle = value;
  context.fillRect(0, 0, 1, 1);
  const [r = 0, g = 0, b = 0, a = 255] = context.getImageData(0, 0, 1, 1).data;
  return a === 255 ? `rgb(${r}, ${g}, ${b})` : `rgba(${r}, ${g}, ${b}, ${(a / 255).toFixed(3)})`;
}
