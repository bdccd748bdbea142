/** The lesson of *Learn* in a link: seed of the weights, image, p and network, "7~120~40~8~theirs". */
import { NORMS } from '../views/learn/neuron.ts';
import { LEVELS, type Image } from '../views/learn/two-pixels.ts';

export interface Lesson {
  /** What the random weights start from, a whole number of up to 32 bits. */
  seed: number;
  image: Image;
  /** The neuron's, one of `NORMS`. */
  p: number;
  /** Whose scores are shown along the line. */
  shown: 'ours' | 'theirs';
}

/** The lesson that a visitor sees first. */
export const FIRST: Lesson = { seed: 32, image: [168, 108], p: Infinity, shown: 'ours' };

const MOST_SEED = 2 ** 32 - 1;
const PATTERN = /^\d{1,10}~\d{1,3}~\d{1,3}~(\d{1,3}|inf)~(ours|theirs)$/;

/** The lesson of a text, or `undefined` if it cannot be read. */
export function parseLesson(text: string): Lesson | undefined {
  if (!PATTERN.test(text)) return undefined;
  const [seed = '', x = '', y = '', norm = '', shown] = text.split('~');
  const p = norm === 'inf' ? Infinity : Number(norm);
  const lesson: Lesson = {
    seed: Number(seed),
    image: [Number(x), Number(y)],
    p,
    shown: shown === 'theirs' ? 'theirs' : 'ours',
  };
  const isThere =
    lesson.seed <= MOST_SEED &&
    lesson.image.every((level) => level < LEVELS) &&
    NORMS.some((other) => other === p);
  return isThere ? lesson : undefined;
}

const written = ({ seed, image, p, shown }: Lesson) =>
  [seed, ...image, p === Infinity ? 'inf' : p, shown].join('~');

/** The text that `parseLesson` reads back; empty for the first lesson. */
export function formatLesson(lesson: Lesson): string {
  const text = written(lesson);
  return text === written(FIRST) ? '' : text;
}
