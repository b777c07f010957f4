import { type SpeechJob, SpeechPlan } from '../../contract/index.js';
import type { JobsStore } from '../jobs-store.js';
import type { Planner } from './plan.js';

/**
 * The plans of texts as they were when they were asked for. Rules of a newer studio would read numbers otherwise and move sentences to other places;
 * what is said again must be what was said.
 */
export class StoredPlans {
  constructor(
    private readonly jobs: JobsStore,
    private readonly planner: Planner,
  ) {}

  /** @throws StudioError as `Planner.plan`, for a job of an earlier studio, which kept none: it gets one now */
  async of({ id, request: { text, speed } }: SpeechJob): Promise<SpeechPlan> {
    const kept = this.kept(id);
    if (kept) return kept;
    const plan = await this.planner.plan(text, speed);
    this.jobs.setPlan(id, plan);
    return plan;
  }

  /**
   * Reads one sentence again that has words of the person's dictionary, in its place: who has put a word there and says the sentence again wants to
   * hear it. All others stay as they are.
   */
  async reread(job: SpeechJob, index: number): Promise<void> {
    const plan = await this.of(job);
    const sentence = plan.sentences[index];
    const phones = sentence && (await this.planner.reread(sentence.text));
    if (phones) this.jobs.setPlan(job.id, { ...plan, sentences: plan.sentences.with(index, { ...sentence, phones }) });
  }

  /** Null for a job of an earlier studio. */
  kept(id: string): SpeechPlan | null {
    const plan = this.jobs.plan(id);
    return plan === null ? null : SpeechPlan.parse(plan);
  }
}
