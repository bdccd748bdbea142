/** The data sets by the names that models carry: what their images and their classes are called. */
import described from '../../../src/data/datasets.json';

export interface DatasetWords {
  /** As its makers write it. */
  name: string;
  /** What an image shows, with its article and in the plural. */
  one: string;
  many: string;
  /** The classes as they are printed: short. */
  classes: readonly string[];
  /** The classes as they are spoken. */
  spoken: readonly string[];
}

export const DATASETS: Readonly<Record<string, DatasetWords>> = Object.fromEntries(
  described.map(({ name, title, image, images, classes, spoken }) => [
    name,
    { name: title, one: image, many: images, classes, spoken: spoken ?? classes },
  ]),
);

const DIGITS = Array.from({ length: 10 }, (_, digit) => String(digit));

/** The words for a data set; a model of one that the page does not know shows bare numbers. */
export function datasetWords(name: string): DatasetWords {
  return (
    DATASETS[name] ?? { name, one: 'an image', many: 'images', classes: DIGITS, spoken: DIGITS }
  );
}

export const MNIST = datasetWords('mnist');

/** The name of a class. */
export const className = ({ classes }: DatasetWords, label: number) =>
  classes[label] ?? String(label);
