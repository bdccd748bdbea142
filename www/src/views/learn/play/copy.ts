/** What *Play* says. */
import { count } from '../../../copy.ts';
import type { PlayPreset, PlayState } from '../../../codec/play.ts';
import type { DataName } from './points.ts';

/** The classes by their names; their marks are drawn by `draw.ts`. */
export const CLASS_NAMES = ['A', 'B', 'C', 'D'] as const;
export const MARK_NAMES = ['disc', 'triangle', 'diamond', 'cross'] as const;

export const DATA_NAMES: Readonly<Record<DataName | 'own', string>> = {
  circles: 'circles',
  xor: 'exclusive or',
  moons: 'moons',
  spirals: 'spirals',
  blobs: 'blobs',
  own: 'your own points',
};

/** What each preset is called, and what to look at. */
export const PRESETS: Readonly<Record<PlayPreset, { name: string; says: string }>> = {
  circles: {
    name: 'Circles',
    says: 'A ring around a disc. The squares grow as p grows, and nearly all points are certified in the end.',
  },
  'low-p': {
    name: 'Low p',
    says: 'p stays at 2. Compare how many points are labelled rightly in training, at p = 2, with the rest: certificates are for the network at p = ∞, which nobody has trained here. It proves nothing.',
  },
  'large-epsilon': {
    name: 'ε too large',
    says: 'Some points of the two moons are closer to each other than 2ε. Whatever lies between them, one of them is not robust, so no network is certified at all of these points, however it is trained.',
  },
  'identity-start': {
    name: 'Identity start',
    says: 'Every unit starts as one of its inputs, so that all of them rise with the pixels. From this seed half of the points stay wrong. Choose weights that start at random, and play again; or another seed.',
  },
  narrow: {
    name: 'Too narrow',
    says: 'Spirals, with four units in a layer: there is not enough room for their arms. Choose a width of 32 and play again.',
  },
};

/** Where the settings are far from those of any preset. */
export const OWN_SETTINGS =
  'These settings are your own. The address of this page holds all of them: send it to somebody.';

/** A line on everything that can be set. */
export const SETTINGS: Readonly<
  Record<
    Exclude<keyof PlayState, 'points' | 'colours' | 'unit' | 'step'>,
    { label: string; says: string }
  >
> = {
  data: { label: 'Data', says: 'Where the points lie.' },
  classes: { label: 'Classes', says: 'How many labels there are to tell apart.' },
  count: { label: 'Points', says: 'How many are learned from.' },
  noise: { label: 'Noise', says: 'How far points stray from their shape, in levels.' },
  seed: { label: 'Seed', says: 'Decides all that is random: the same seed, the same game.' },
  layers: { label: 'Hidden layers', says: 'Of both networks.' },
  width: { label: 'Width', says: 'Units in each hidden layer. More units make finer regions.' },
  init: { label: 'Weights start as', says: 'What the units compute before they learn.' },
  steps: { label: 'Steps', says: 'How long training takes. p grows more slowly in a longer run.' },
  pStart: { label: 'p at first', says: 'A small p is easy to train: every pixel has a say.' },
  pEnd: { label: 'p at last', says: 'Certificates need p = ∞: the largest difference alone.' },
  learningRate: { label: 'Learning rate', says: 'How far a step moves the weights.' },
  epsilonTrain: {
    label: 'ε in training',
    says: 'The radius that the loss asks for, in levels. Larger than ε.',
  },
  epsilon: { label: 'ε', says: 'The radius at which points are counted, in levels.' },
};

/** Where the training was changed while it ran. */
export const changedAt = (step: number) =>
  `The learning rate or ε in training was changed after step ${count(step)}. The address holds the present values and begins with them, so this game cannot be sent.`;

/** A share of the points, rounded down: 99.6 % is not all. */
export const share = (some: number, all: number) =>
  all === 0 ? '–' : `${Math.floor((100 * some) / all)} %`;
