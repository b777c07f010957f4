import type { CallName, speechCalls } from '../../contract/index.js';
import { baseName } from '../exports.js';
import type { Handlers, Parts } from '../handlers.js';
import { estimate, speaking } from './plan.js';

type SpeechCall = Extract<CallName, keyof typeof speechCalls>;

export function createSpeechHandlers({ models, planner, queue, takes, items, exports, emit }: Parts): Pick<Handlers, SpeechCall> {
  return {
    'speech.plan': async ({ model, text, speed }) => {
      speaking((await models.find(model)).manifest);
      const plan = await planner.plan(text, speed);
      return { sentences: plan.sentences.map(({ text: said, phones }) => ({ text: said, phones })), seconds: estimate(plan, speed) };
    },
    'speech.say': (request) => queue.create({ kind: 'speech', request }),
    'speech.take': ({ job }) => takes.take(job),
    'speech.again': async ({ job, index, seed }) => {
      await takes.reread(job, index);
      return queue.again(job, index, seed, () => {
        const id = items.leaveJob(job, index);
        const removed = id === null ? [] : items.setDeleted([id], Date.now());
        if (removed.length > 0) emit({ name: 'itemsRemoved', payload: removed.map((item) => item.id) });
      });
    },
    'speech.export': async ({ job, index, format, recipe: withRecipe }) => {
      if (index !== null) return exports.create([takes.item(job, index)], format, withRecipe);
      // First: without its voice a take has no sentences either, and that would be the lesser reason.
      exports.checkVoices(takes.job(job).request);
      const { sound, recipe } = await takes.sound(job);
      return exports.sound(baseName({ recipe }), sound, recipe, format, withRecipe);
    },
  };
}
