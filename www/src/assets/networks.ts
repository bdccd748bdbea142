/** The networks that the page was built with, and what those of this browser are called. */
import models from 'virtual:models';
import { datasetWords } from './datasets.ts';
import type { ModelFile } from './model-file.ts';

/** What a network of this browser is called, in links too; without a hash, whichever is the newest. */
export const OWN = /^own(-[0-9a-f]{16})?$/;

export const ownName = (hash: string) => `own-${hash}`;

/** The network that the page starts with, wherever it is among those that were built in. */
const FIRST = 'mnist-eps0.3';

/** The shipped networks by their names, the default first; baselines lie in a folder. */
export const SHIPPED: ReadonlyMap<string, ModelFile> = new Map(
  Object.entries(models)
    .filter(([name]) => !name.includes('/'))
    .sort(([a], [b]) => Number(b === FIRST) - Number(a === FIRST) || (a < b ? 1 : -1)),
);

export const DEFAULT_NETWORK = SHIPPED.keys().next().value ?? FIRST;

/** "MNIST, ε = 0.3". */
export const networkWords = ({ dataset, epsilon }: { dataset: string; epsilon: string }) =>
  `${datasetWords(dataset).name}, ε = ${epsilon}`;

/** A shipped network in the list of all: with the name of its file where several are for the same. */
export function shippedWords(name: string, file: ModelFile): string {
  const words = networkWords(file);
  const alike = [...SHIPPED.values()].filter((other) => networkWords(other) === words);
  return alike.length === 1 ? words : `${words} (${name})`;
}

/**
 * The ε, in whole levels, that the page starts with for a network that is meant for `epsilon` of
 * full scale: about four fifths of it, as drawings are harder than test images.
 */
export const firstEpsilon = (epsilon: string) => Math.round(200 * Number(epsilon));
