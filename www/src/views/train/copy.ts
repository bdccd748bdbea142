/** Sentences and numbers of the view *Train*. */
import type { NumberHyperparameter, OFFERED } from '../../codec/hyperparameters.ts';
import type { ImportedSet, Metrics } from '../../wasm/types.ts';
import { INSECURE, count, cut } from '../../copy.ts';
import type { Device } from '../../state/run.svelte.ts';
import { isFixed, type DeviceChoice } from '../../workers/train-protocol.ts';

/** A share of at most 60,000 images, rounded down: a thousandth more than is proved is not claimed. */
export const percent = (share: number) => `${cut(100 * share + 1e-9, 1)} %`;

/** "784–128–128–10". */
export const architecture = (hidden: readonly number[], classes = 10) =>
  [784, ...hidden, classes].join('–');

/**
 * What a run is trained on, and why on that. To a page on an insecure origin (not `secure`) the
 * browser shows no GPU, whether or not there is one.
 */
export function deviceWords(device: Device, asked: DeviceChoice, secure: boolean): string {
  const { kind, name, software } = device;
  const why = kind === 'cpu' && asked !== 'cpu' && !secure ? INSECURE.gpu : device.why;
  const what =
    kind === 'cpu'
      ? name
      : `GPU: ${name}, through WebGPU${software ? ' (imitated by the CPU)' : ''}`;
  return why ? `${what}. ${why}` : `${what}.`;
}

/** The mean of each value and up to 19 before it. */
export function smoothed(values: readonly number[]): number[] {
  const WINDOW = 20;
  let sum = 0;
  return values.map((value, at) => {
    sum += value - (at >= WINDOW ? (values[at - WINDOW] ?? 0) : 0);
    return sum / Math.min(at + 1, WINDOW);
  });
}

const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean of the first and of the last twenty; `null` before there are as many. */
export function firstAndLast(values: readonly number[]): [first: number, last: number] | null {
  const COUNT = 20;
  if (values.length < COUNT) return null;
  return [mean(values.slice(0, COUNT)), mean(values.slice(-COUNT))];
}

/** Certified accuracy that counts as having come off the ground. */
const LIFTED = 0.5;

/**
 * The two measurements between which certified accuracy came off the ground as p grew, if it did while
 * watched. Only those at fixed steps count: how many there are beside depends on the machine.
 */
export function liftOff(
  metrics: readonly Metrics[],
  iterations: number,
): { before: Metrics; after: Metrics } | null {
  const fixed = metrics.filter(({ iteration }) => isFixed(iteration, iterations));
  for (const [at, after] of fixed.entries()) {
    const before = fixed[at - 1];
    if (!before || before.certifiedIbp >= LIFTED || after.certifiedIbp < LIFTED) continue;
    if (after.p > (fixed[0]?.p ?? Infinity)) return { before, after };
  }
  return null;
}

/** What is said of the presets where they are fitted to images of the visitor's own. */
export const FITTED: Record<(typeof OFFERED)[number], string> = {
  look: 'A small network: enough to see the certificate appear.',
  quick: 'Twice as wide, with more epochs: a network worth drawing on.',
  standard: 'Three wide layers: a matter for a GPU.',
  hinge: 'Hinge loss and weight decay as in the first paper, with fewer units and epochs.',
};

/** What is said of images of the visitor's own. */
export const OWN_IMAGES = {
  says:
    'A zip or folder with a folder of PNG or JPEG files for each class, a CSV of label and pixels, or ' +
    'the two IDX files of a pair. Drop them here, or take “My images” of the network’s classes. Nothing leaves this machine.',
  noneOfMine: (dataset: string) =>
    `There is no image of yours of the classes of ${dataset}, the data set of the network in use. In Draw, ` +
    'say what a drawing is, or load a zip of images under “My images”.',
  sentence: (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`,
  understood: ({ labels, heldOut, classes, epsilon }: ImportedSet) =>
    `${count(labels.length)} images of ${classes.length} classes; ${count(heldOut)} of them are held ` +
    `out to measure on. ε = ${epsilon} is suggested for them. Press Train to learn from them.`,
  leftOut(problems: number, isSome: boolean): string {
    const parts = problems === 1 ? 'One part' : `${count(problems)} parts`;
    return `${parts} could not be used${isSome ? '; the rest is' : ''}`;
  },
  blocked: 'These files were not read, since something else is going on. Give them again later.',
  badName: (name: string) =>
    `“${name.trim()}” cannot be the name: it needs 1 to 40 characters that no other class has.`,
  /** What the visitor should know of the set. */
  notes({ duplicates, contradictions, otherInk, inverted }: ImportedSet): string[] {
    const notes: string[] = [];
    if (inverted) notes.push('Dark ink on white: the network sees the negatives.');
    if (duplicates > 0) {
      notes.push(
        `${count(duplicates)} images are the same as another; equal ones are held out together.`,
      );
    }
    if (contradictions > 0) {
      notes.push(`${count(contradictions)} images are the same as one of another class.`);
    }
    if (otherInk > 0) {
      notes.push(`${count(otherInk)} images seem to be drawn the other way: see “Ink” below.`);
    }
    return notes;
  },
};

/** The presets that the page offers. */
export const PRESETS: Record<(typeof OFFERED)[number], { title: string; says: string }> = {
  look: {
    title: 'Quick look',
    says: 'A small network on 10,000 images: enough to see the certificate appear.',
  },
  quick: {
    title: 'Small',
    says: 'Twice as wide, on all images: a network worth drawing on.',
  },
  standard: {
    title: 'Standard',
    says: 'What the first of the two nets for MNIST at ε = 0.3 that this page ships began with: a matter for a GPU.',
  },
  hinge: {
    title: 'Paper recipe, small',
    says: 'Hinge loss and weight decay as in the first paper, with fewer units and epochs.',
  },
};

/** The hyperparameters that are numbers, in words. */
export const HYPERPARAMETERS: Record<NumberHyperparameter['key'], { label: string; says: string }> =
  {
    images: {
      label: 'Images used',
      says: 'Training images, the last ones before those that are held out. More images make a better network and a longer run.',
    },
    random_shift: {
      label: 'Random shift',
      says: 'The most pixels that an image is moved by, at random. Moved images are harder to learn, and harder to learn by heart.',
    },
    random_shift_probability: {
      label: 'Probability of a shift',
      says: 'Share of the images that are moved, drawn anew each time. The others stay as they are.',
    },
    batch: {
      label: 'Batch',
      says: 'Images that one step looks at.',
    },
    epochs_start: {
      label: 'Epochs at the first p',
      says: 'Passes over the images while the norm is smooth. They decide how well the network fits.',
    },
    epochs_growth: {
      label: 'Epochs of growing p',
      says: 'Passes in which p grows. Here the certificate appears.',
    },
    epochs_inf: {
      label: 'Epochs at p = ∞',
      says: 'Passes with the very norm that the network is used with.',
    },
    p_start: {
      label: 'First p',
      says: 'A lower p is smoother and easier to train.',
    },
    p_end: {
      label: 'Last finite p',
      says: 'Where the growth ends and p = ∞ takes over.',
    },
    prune_from_epoch: {
      label: 'Prune from epoch',
      says: 'Gradual pruning: as p grows, fewer and fewer weights learn. From this epoch on, the CPU drops the others, and the run takes half the time. 0 keeps all weights.',
    },
    learning_rate: {
      label: 'Learning rate',
      says: 'Size of the first steps. It falls to 0 along half a cosine.',
    },
    epsilon_train: {
      label: 'ε in training',
      says: 'The radius that the loss asks for, of full scale 1. It is larger than the one that is measured.',
    },
    seed: {
      label: 'Seed',
      says: 'Decides everything that is random. The same seed gives the same run.',
    },
  };

/** A run of an earlier visit. */
export function offerWords({ iteration, iterations }: { iteration: number; iterations: number }) {
  return iteration >= iterations
    ? `is finished, after all of its ${count(iterations)} steps`
    : `stopped at step ${count(iteration)} of ${count(iterations)}`;
}

/** What the page says of files and links. */
export const NOTES = {
  noCurves:
    'A file holds no curves of loss, p and speed: only steps that are taken here have them.',
  saved: 'Saved as checkpoint.safetensors. linf train --resume and linf export read it, too.',
  inUse: 'The page now runs on this network.',
  copied:
    'The link is in the clipboard. It holds every hyperparameter that differs from the preset.',
  notCopied: 'The browser does not let this page use the clipboard.',
  unreadable: (file: string, why: string) => `The file ${file} could not be read: ${why}`,
  unreadableLink: (names: string) =>
    `This link cannot be read completely: ${names} cannot. The preset’s own values are in use instead.`,
};
