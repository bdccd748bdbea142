/**
 * The networks that can be measured: the shipped ones, the baselines, and those of this browser.
 *
 * Each has a colour and a letter of its own wherever it is measured, so that colour is not the only
 * carrier of meaning.
 */
import models from 'virtual:models';
import { BASELINES } from '../codec/link.ts';
import { datasetWords } from './datasets.ts';
import type { ModelFile } from './model-file.ts';
import { SHIPPED, networkWords, ownName } from './networks.ts';

/** A network of the list. */
export interface MeasuredNetwork {
  /** As in links. */
  name: string;
  /** As on the page: "ℓ∞-dist net for MNIST, ε = 0.3". */
  title: string;
  kind: 'exact' | 'baseline';
  /** Of a baseline the recipe; `linf-dist` of the others. As in files. */
  recipe: string;
  dataset: string;
  /** Names of its classes, where the page does not know its data set. */
  classes: readonly string[];
  /** The radius that it was trained for, a decimal fraction; `null` if it was for none. */
  epsilon: string | null;
  /** The file; none of a network of this browser. */
  file: ModelFile | null;
  letter: string;
  /** Name of a colour of the page, and the same on white paper. */
  colour: string;
  print: string;
}

/** Of the networks by their place in the list; the paper's are those of the command line. */
const COLOURS = ['ours', 'blue', 'green', 'orange', 'theirs', 'pink', 'slate', 'brown'] as const;
const PRINT = {
  ours: '#0f766e',
  theirs: '#6d3fc0',
  orange: '#b45309',
  blue: '#1d4ed8',
  pink: '#be185d',
  green: '#4d7c0f',
  brown: '#7f1d1d',
  slate: '#334155',
};

const BASELINE_TITLES: Record<string, [title: string, recipe: string]> = {
  relu: ['ReLU', 'standard'],
  adversarial: ['ReLU, adversarial training', 'adversarial'],
  ibp: ['ReLU, IBP training', 'ibp'],
};

/** All of them; `own` are those of this browser. */
export function measuredNetworks(
  own: readonly {
    hash: string;
    name: string;
    dataset: string;
    epsilon: string;
    classes?: readonly string[];
  }[],
): readonly MeasuredNetwork[] {
  const exact = [...SHIPPED].map(([name, file]) => ({
    name,
    title: networkWords(file),
    recipe: 'linf-dist',
    kind: 'exact' as const,
    dataset: file.dataset,
    classes: [],
    epsilon: file.epsilon,
    file,
  }));
  const here = own.map(({ hash, name, dataset, epsilon, classes = [] }) => ({
    name: ownName(hash),
    title: name,
    recipe: 'linf-dist',
    kind: 'exact' as const,
    dataset,
    classes,
    epsilon,
    file: null,
  }));
  const baselines = BASELINES.flatMap((name) => {
    const file = models[`baseline/${name}`];
    if (!file) return [];
    const [title = name, recipe = name] = BASELINE_TITLES[name] ?? [];
    const { dataset } = file;
    return [
      {
        name,
        title: `${title}, for ${datasetWords(dataset).name}`,
        recipe,
        kind: 'baseline' as const,
        dataset,
        classes: [],
        epsilon: recipe === 'standard' ? null : file.epsilon,
        file,
      },
    ];
  });
  // The visitor's come last, so that no other network changes its colour when they come.
  return [...exact, ...baselines, ...here].map((network, index) => {
    const name = COLOURS[index % COLOURS.length] ?? 'ours';
    const letter = String.fromCharCode(65 + (index % 26));
    const colour = name === 'ours' || name === 'theirs' ? `--${name}` : `--net-${name}`;
    return { ...network, letter, colour, print: PRINT[name] };
  });
}
