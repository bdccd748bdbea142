/**
 * The sentences of the view *Measure*.
 *
 * Proved and tried are kept apart: a certificate says what no change can do, a sample of attacks what some
 * changes did not.
 */
import { datasetWords } from '../../assets/datasets.ts';
import type { MeasuredNetwork } from '../../assets/measured-networks.ts';
import type { SetKind } from '../../codec/measurement.ts';
import { FULL, count, duration } from '../../copy.ts';
import type { Missing } from '../../state/image-sets.ts';
import type { Kind } from './statistics.ts';

/** Two decimals, as the command line prints them. */
export const percent = (part: number, whole: number) =>
  whole > 0 ? `${((100 * part) / whole).toFixed(2)} %` : '–';

/** "76.5 of 255 levels (0.300)". */
export const epsilonWords = (levels: number) =>
  `${levels} of ${FULL} levels (${(Math.floor((levels * 1000) / FULL) / 1000).toFixed(3)})`;

/** What the images of a set are called, and one of them. */
export const SET_WORDS: Record<SetKind, { many: string; one: string }> = {
  test: { many: 'test images', one: 'Test image' },
  'held-out': { many: 'held-out images', one: 'Held-out image' },
  mine: { many: 'images of your own', one: 'Your image' },
  training: { many: 'training images', one: 'Training image' },
};

/** The choices of sets. */
export const SET_NAMES: Record<SetKind, string> = {
  test: 'test images',
  'held-out': 'held-out images',
  mine: 'My images',
  training: 'training images',
};

/** "10,000 test images of MNIST". */
export function imagesWords(images: number, kind: SetKind, dataset: string): string {
  const { many, one } = SET_WORDS[kind];
  const { name } = datasetWords(dataset);
  if (kind === 'mine') {
    return `${count(images)} ${images === 1 ? 'image' : 'images'} of your own (classes of ${name})`;
  }
  return `${count(images)} ${images === 1 ? one.toLowerCase() : many} of ${name}`;
}

/** The networks in a sentence: "A", "A and B". */
const letters = (networks: readonly MeasuredNetwork[]) =>
  networks.map(({ letter }) => letter).join(' and ');

/** Why there are no images of a kind for these networks of a data set, and what to do. */
export function missingWords(
  kind: SetKind,
  why: Missing,
  dataset: string,
  networks: readonly MeasuredNetwork[],
): string {
  const { name } = datasetWords(dataset);
  const { many } = SET_WORDS[kind];
  switch (why) {
    case 'not-built':
      return `This page was built without the ${many} of ${name}.`;
    case 'no-such':
      return kind === 'test'
        ? `There are no test images of ${name}: it is somebody’s own images. Held-out images take their place.`
        : `There are no held-out images of ${name} here: they are those of networks that learned from images of your own.`;
    case 'none-yet':
      return (
        `This browser has no image of yours of the classes of ${name}. In Draw, say what a drawing is, ` +
        'or load a zip of images under “My images”.'
      );
    case 'not-open':
      return (
        `The images that ${letters(networks)} learned from are not open in this tab. Give their files in ` +
        'Train, and read them as they were read then.'
      );
    case 'others':
      return (
        `The images that are open in Train are not those that ${letters(networks)} learned from, or they ` +
        'are split or read otherwise.'
      );
    case 'none-held-out':
      return `No image was held out of the run that made ${letters(networks)}.`;
  }
}

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
    means: () =>
      'The network’s label is not the one that the image has. The first ones, by number.',
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
  mine:
    'Images of your own are those that you gave: what is measured on a few of them says little about ' +
    'others, and a network that was taught them has learned them.',
  anew: (images: number) =>
    `Your images have changed since they were measured. ${
      images === 1 ? 'The one that there is now is' : `The ${count(images)} that there are now are`
    } measured anew.`,
  ownMissing:
    'A network that was chosen is not in this browser: it was deleted, or the link is from another ' +
    'browser. It is left out.',
  unknown: (names: readonly string[]) =>
    `This page does not have ${names.map((name) => `“${name}”`).join(', ')}, which the link names.`,
};
