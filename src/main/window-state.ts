import { readFileSync, writeFileSync } from 'node:fs';
import { screen, type BrowserWindow, type Rectangle } from 'electron';
import { z } from 'zod';

export const MIN_SIZE = { width: 420, height: 560 } as const;
const DEFAULT_SIZE = { width: 1180, height: 820 } as const;

const WindowState = z.object({
  x: z.int(),
  y: z.int(),
  width: z.int().min(MIN_SIZE.width),
  height: z.int().min(MIN_SIZE.height),
  maximized: z.boolean(),
});
type WindowState = z.infer<typeof WindowState>;

/** Where the window was last time, or the default size where that is unknown or no display shows it any more. */
export function loadWindowState(file: string): Partial<WindowState> & { width: number; height: number } {
  try {
    const state = WindowState.parse(JSON.parse(readFileSync(file, 'utf8')));
    if (screen.getAllDisplays().some(({ workArea }) => overlaps(workArea, state))) return state;
  } catch {
    // No file yet, or one that was cut short: a window's place is not worth a message.
  }
  return DEFAULT_SIZE;
}

export function saveWindowState(file: string, window: BrowserWindow): void {
  const state: WindowState = { ...window.getNormalBounds(), maximized: window.isMaximized() };
  try {
    writeFileSync(file, JSON.stringify(state));
  } catch {
    // Nor is a full disk on the way out.
  }
}

function overlaps(a: Rectangle, b: Rectangle): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
