import { type Recipe, Recipe as RecipeSchema } from '../contract/index.js';

/**
 * The recipe as the `parameters` text that other picture programs read (the form of A1111's web UI): the prompt, then one line of
 * `Name: value` pairs. It carries every knob, so that it can be read back where a program kept this text and dropped our own.
 */
export function recipeText(recipe: Recipe, size: { width: number; height: number }): string {
  const pairs: [name: string, value: string][] = [];
  const { sampling, seed, edit } = recipe;
  if (edit) pairs.push(['Edit', edit.kind]);
  // An edit can't be made again from these lines alone, and must not be taken for a picture that can.
  else if (sampling && seed !== undefined) {
    pairs.push(
      ['Steps', String(sampling.steps)],
      ['Sampler', `ResGen ${sampling.schedule} ${sampling.reveal}`],
      ['CFG scale', `${sampling.guidanceFrom}-${sampling.guidanceTo}`],
      ['Seed', String(seed)],
    );
  }
  pairs.push(['Size', `${size.width}x${size.height}`], ['Model', `${recipe.model.id} ${recipe.model.version}`]);
  if (sampling) pairs.push(['Top P', String(sampling.topP)], ['Tau', String(sampling.tau)], ['Noise', String(sampling.noise)]);
  if (sampling?.view !== undefined) pairs.push(['View', String(sampling.view)]);
  pairs.push(['Version', `ResGen Studio ${recipe.studio}`]);
  const prompt = recipe.className ?? (recipe.source === undefined ? recipe.verb : `Encoded from ${recipe.source}`);
  return `${prompt}\n${pairs.map(([name, value]) => `${name}: ${value}`).join(', ')}`;
}

const NUMBER = String.raw`\d+(?:\.\d+)?(?:e[+-]?\d+)?`;
const GUIDANCE = new RegExp(`^(${NUMBER})-(${NUMBER})$`);

/** A generated picture's recipe from such a text, or null where it is another program's or something is missing. */
export function parseRecipeText(text: string): Recipe | null {
  const lines = text.split('\n');
  const pairs = new Map((lines.pop() ?? '').split(', ').map((pair): [string, string] => [before(pair, ': '), after(pair, ': ')]));
  const value = (name: string): string => pairs.get(name) ?? '';
  const [sampler, schedule, reveal] = value('Sampler').split(' ');
  const [, guidanceFrom, guidanceTo] = GUIDANCE.exec(value('CFG scale')) ?? [];
  if (sampler !== 'ResGen') return null;
  const recipe = RecipeSchema.safeParse({
    format: 1,
    studio: after(value('Version'), 'ResGen Studio '),
    model: { id: before(value('Model'), ' '), version: after(value('Model'), ' ') },
    kind: 'image',
    verb: 'generate',
    className: lines.join('\n'),
    seed: toNumber(value('Seed')),
    sampling: {
      steps: toNumber(value('Steps')),
      schedule,
      guidanceFrom: toNumber(guidanceFrom),
      guidanceTo: toNumber(guidanceTo),
      topP: toNumber(value('Top P')),
      tau: toNumber(value('Tau')),
      noise: toNumber(value('Noise')),
      reveal,
      ...(pairs.has('View') && { view: toNumber(value('View')) }),
    },
  });
  return recipe.success ? recipe.data : null;
}

/** Not `Number` alone, which takes an empty text for 0. */
const toNumber = (text: string | undefined): number => (text ? Number(text) : NaN);

const before = (text: string, mark: string): string => (text.includes(mark) ? text.slice(0, text.indexOf(mark)) : text);
const after = (text: string, mark: string): string => (text.includes(mark) ? text.slice(text.indexOf(mark) + mark.length) : '');
