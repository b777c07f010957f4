import AxeBuilder from '@axe-core/playwright';
import type { StudioPage } from './studio-page.js';

/** Elements that fail a rule of serious or critical impact, by rule. */
export async function seriousProblems({ page }: StudioPage): Promise<string[]> {
  // Electron has no other page in which axe could run its parts.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}
