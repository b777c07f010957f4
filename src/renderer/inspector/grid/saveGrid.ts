import { plainColour, savePng, saveSvg } from '../charts/export.js';
import type { Coloured } from './colouring.js';
import { readInks } from './draw.js';
import { gridDrawing } from './gridDrawing.js';

/** Saves the grid as it is coloured now. @throws DOMException when the browser can't draw it */
export async function saveGrid(coloured: Coloured, title: string, kind: 'svg' | 'png', name: string): Promise<void> {
  const { image } = coloured;
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext('2d')?.putImageData(new ImageData(image.data, image.width, image.height), 0, 0);
  const { ground, text, faint } = readInks(document.body);
  const colours = { ground: plainColour(ground), text: plainColour(text), faint: plainColour(faint) };
  const drawing = gridDrawing(coloured, title, await dataUrl(await canvas.convertToBlob({ type: 'image/png' })), colours);
  if (kind === 'svg') saveSvg(drawing, name);
  else await savePng(drawing, name);
}

async function dataUrl(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return `data:${blob.type};base64,${btoa(binary)}`;
}
