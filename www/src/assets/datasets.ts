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

/** What the names of somebody's own images begin with. */
const OWN = 'own-';

/** Whether a data set is somebody's own images. */
export const isOwn = (name: string) => name.startsWith(OWN);

/**
 * The words for a data set. Of one that the page does not know a model may carry the names of its classes;
 * else they are bare numbers.
 */
export function datasetWords(name: string, named: readonly string[] = []): DatasetWords {
  const classes = named.length > 0 ? named : DIGITS;
  const called = isOwn(name) ? name.slice(OWN.length) : name;
  return (
    DATASETS[name] ?? { name: called, one: 'an image', many: 'images', classes, spoken: classes }
  );
}

export const MNIST = datasetWords('mnist');

/** The name of a class. */
export const className = ({ classes }: DatasetWords, label: number) =>
  classes[label] ?? String(label);
