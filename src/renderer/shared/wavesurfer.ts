import type WaveSurfer from 'wavesurfer.js';

/** wavesurfer writes a style element, which the page's policy takes no account of; a sheet made by script it does. */
export function keepStyles(made: WaveSurfer): void {
  const root = made.getWrapper().getRootNode();
  if (!(root instanceof ShadowRoot)) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(root.querySelector('style')?.textContent ?? '');
  root.adoptedStyleSheets = [sheet];
}

/** Tells whether it plays, and the second that it is at. */
export function follow(made: WaveSurfer, onplaying: (playing: boolean) => void, ontime: (seconds: number) => void): void {
  made.on('play', () => onplaying(true));
  made.on('pause', () => onplaying(false));
  made.on('finish', () => onplaying(false));
  made.on('timeupdate', ontime);
}

/** What a token of `styles/tokens.css` is here and now, as a canvas takes it: the token itself names a colour for either theme. */
export function colourOf(element: HTMLElement, token: string): string {
  const probe = element.appendChild(document.createElement('i'));
  probe.style.color = `var(${token})`;
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

const STEPS = 256;

/** From nothing to that colour, as the spectrogram takes it: red, green, blue and how much of it, 0..1. */
export function rampTo(colour: string): number[][] {
  const context = new OffscreenCanvas(1, 1).getContext('2d');
  if (!context) return [];
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0] = context.getImageData(0, 0, 1, 1).data;
  return Array.from({ length: STEPS }, (_, n) => [red / 255, green / 255, blue / 255, n / (STEPS - 1)]);
}
