import type { Take } from '../../contract/index.js';

type Heard = Pick<Take, 'sentences' | 'seconds'>;

/**
 * Where one take is when another one is there: two takes of a text are at the same share of the same sentence, or of the silence after it. Takes of
 * other texts are at the same share of the whole.
 * @param time seconds from the start of `from`
 * @returns seconds from the start of `to`
 */
export function sameMoment(time: number, from: Heard, to: Heard): number {
  const [marks, others] = [marksOf(from), marksOf(to)];
  const alike = from.sentences.length === to.sentences.length && from.sentences.every(({ text }, n) => text === to.sentences[n]?.text);
  if (!alike || marks.length !== others.length) return from.seconds > 0 ? (time / from.seconds) * to.seconds : 0;
  const at = Math.max(
    0,
    marks.findLastIndex((mark) => mark <= time),
  );
  const [start = 0, end = from.seconds] = marks.slice(at, at + 2);
  const [there = 0, thereEnd = to.seconds] = others.slice(at, at + 2);
  const share = end > start ? Math.min(1, Math.max(0, (time - start) / (end - start))) : 0;
  return Math.min(to.seconds, there + share * (thereEnd - there));
}

/** The start of the whole, and start and end of each sentence that is made. */
function marksOf({ sentences }: Heard): number[] {
  return [0, ...sentences.flatMap(({ start, seconds }) => (start === null || seconds === null ? [] : [start, start + seconds]))];
}
