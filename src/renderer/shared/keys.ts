/** The key that shortcuts are held with, as keyboards print it. */
export const HELD_KEY = navigator.platform.startsWith('Mac') ? '⌘' : 'Ctrl';

/** Whether a key typed here is meant as text and not as a shortcut. */
export function inText(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input:not([type=range], [type=radio]), select, textarea');
}
