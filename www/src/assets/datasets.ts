/** The data sets by the names that models carry: what their images and their classes are called. */

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

const DIGITS = Array.from({ length: 10 }, (_, digit) => String(digit));
const CLOTHES = [
  'T-shirt',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
];

export const MNIST: DatasetWords = {
  name: 'MNIST',
  one: 'a digit',
  many: 'digits',
  classes: DIGITS,
  spoken: ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'],
};

export const DATASETS: Readonly<Record<string, DatasetWords>> = {
  mnist: MNIST,
  'fashion-mnist': {
    name: 'Fashion-MNIST',
    one: 'a piece of clothing',
    many: 'clothes',
    classes: CLOTHES,
    spoken: CLOTHES,
  },
};

/** The words for a data set; a model of one that the page does not know shows bare numbers. */
export function datasetWords(name: string): DatasetWords {
  return (
    DATASETS[name] ?? { name, one: 'an image', many: 'images', classes: DIGITS, spoken: DIGITS }
  );
}

/** The name of a class. */
export const className = ({ classes }: DatasetWords, label: number) =>
  classes[label] ?? String(label);
