/** What a link says of this view: the seed of the weights and the image, "7~120~40". */
import { LEVELS, type Image } from './two-pixels.ts';

export interface Lesson {
  /** What the random weights start from, a whole number of up to 32 bits. */
  seed: number;
  image: Image;
}

/** What there is to see at first. */
export const FIRST: Lesson = { seed: 32, image: [168, 108] };

const MOST_SEED = 2 ** 32 - 1;

/** What makes no sense is as at first. */
export function readLesson(text: string | null): Lesson {
  if (!/^\d{1,10}~\d{1,3}~\d{1,3}$/.test(text ?? '')) return FIRST;
  const [seed = 0, x = 0, y = 0] = (text ?? '').split('~').map(Number);
  if (seed > MOST_SEED || x >= LEVELS || y >= LEVELS) return FIRST;
  return { seed, image: [x, y] };
}

/** `null` where all is as at first. */
export function writeLesson({ seed, image }: Lesson): string | null {
  const text = [seed, ...image].join('~');
  return text === [FIRST.seed, ...FIRST.image].join('~') ? null : text;
}
