/**
 * The sentences of the view *Measure*.
 *
 * Proved and tried are kept apart: a certificate says what no change can do, a sample of attacks what some
 * changes did not.
 */
import type { Split } from '../../assets/image-shards.ts';
import { datasetWords } from '../../assets/datasets.ts';
import { FULL, count, duration } from '../../copy.ts';
import type { Kind } from './statistics.ts';

/** Two decimals, as the command line prints them. */
export const percent = (part: number, whole: number) =>
  whole > 0 ? `${((100 * part) / whole).toFixed(2)} %` : '–';

/** "76.5 of 255 levels (0.300)". */
export const epsilonWords = (levels: number) =>
  `${levels} of ${FULL} levels (${(Math.floor((levels * 1000) / FULL) / 1000).toFixed(3)})`;

export const SPLIT_WORDS: Record<Split, string> = {
  test: 'test images',
  training: 'training images',
};

/** "10,000 test images of MNIST". */
export const imagesWords = (images: number, split: Split, dataset: string) =>
  `${count(images)} ${SPLIT_WORDS[split]} of ${datasetWords(dataset).name}`;

/** How far it is, and how long it takes still. */
export function progressWords(
  done: number,
  total: number,
  speed: { imagesPerSecond: number; secondsLeft: number } | null,
): string {
  const counted = `${count(done)} of ${count(total)} images`;
  if (!speed) return counted;
  const { imagesPerSecond, secondsLeft } = speed;
  const rate =
    imagesPerSecond >= 10 ? count(Math.round(imagesPerSecond)) : imagesPerSecond.toFixed(1);
  return `${counted}, ${rate} per second, ${duration(secondsLeft)} left`;
}

/** The kinds of images that stand out: their names, and what they mean. */
export const KIND_WORDS: Record<Kind, { title: string; means: (epsilon: string) => string }> = {
  wrong: {
    title: 'Wrong',
    means: () => 'The network’s label is not that of the data set. The first ones, by number.',
  },
  'wrong-certified': {
    title: 'Wrong and proved',
    means: (epsilon) =>
      `The label is wrong, and no change of up to ${epsilon} per pixel changes it: proved not to change ` +
      'is not proved right. Such images never count as certified. Largest radius first.',
  },
  barely: {
    title: 'Barely certified',
    means: (epsilon) =>
      `Labelled rightly and proved at ${epsilon}, with hardly anything to spare. Smallest radius first.`,
  },
  robust: {
    title: 'Most robust',
    means: () => 'Labelled rightly, with the largest radii that are proved.',
  },
};

export const NOTES = {
  theorem:
    'Margins that were learned on training images carry over to test images: the nearer a network’s ' +
    'two curves, the better its proofs generalise (Zhang et al., 2021, section 4). A network may have ' +
    'been trained on some of the training images only.',
  tried:
    'Tried, not proved: all attacks search a random sample for the smallest change that flips each ' +
    'label, beyond the radius that is proved. Where none is found there may still be one.',
  ownMissing:
    'A network that was chosen is not in this browser: it was deleted, or the link is from another ' +
    'browser. It is left out.',
  unknown: (names: readonly string[]) =>
    `This page does not have ${names.map((name) => `“${name}”`).join(', ')}, which the link names.`,
  noData: (dataset: string) =>
    `This page was built without the images of ${dataset}; its networks are not measured.`,
};
