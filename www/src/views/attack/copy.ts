/**
 * The sentences of the duel.
 *
 * What is proved and what was only tried are told apart in every one of them: no number of tries
 * proves anything, and no proof needs a try.
 */
import type { AttackName } from '../../workers/attack-protocol.ts';
import { MNIST, type DatasetWords } from '../../assets/datasets.ts';
import { count, cut, levels } from '../../copy.ts';

/** An attack as the page offers it. */
export interface Offer {
  name: AttackName;
  label: string;
  hint: string;
}

/** The attacks, from the weakest on. */
export const ATTACKS: readonly Offer[] = [
  { name: 'random', label: 'Random', hint: 'random images within ε' },
  { name: 'fgsm', label: 'FGSM', hint: 'one step along the gradient’s sign' },
  { name: 'pgd', label: 'PGD', hint: 'many such steps' },
  { name: 'path', label: 'Path', hint: 'along the pixels that decide' },
  { name: 'square', label: 'Square', hint: 'random squares, no gradient' },
  { name: 'smallest', label: 'Smallest flip', hint: 'by all of these, at whatever ε it takes' },
  { name: 'all', label: 'All attacks', hint: 'by turns, until you stop them' },
];

/** An attack in the middle of a sentence. */
export function attackName(attack: AttackName): string {
  if (attack === 'all') return 'all attacks';
  if (attack === 'smallest') return 'the search';
  const label = ATTACKS.find(({ name }) => name === attack)?.label ?? attack;
  return label === 'FGSM' || label === 'PGD' ? label : `the ${label.toLowerCase()} attack`;
}

/** What is known of a label within ε. */
export interface Case {
  /** The label of the image as drawn; null in a tie. */
  label: number | null;
  /** A whole number. */
  epsilonLevels: number;
  /** Whether the label is proved at this ε. */
  certified: boolean;
  /** How far it is proved, in levels. */
  radiusLevels: number;
  tried: {
    tries: number;
    running: boolean;
    /** Whether the smallest flip is looked for, also beyond ε. */
    search: boolean;
    /** The perturbation that took the label away. */
    flip: {
      /** null in a tie. */
      label: number | null;
      /** The largest change of a pixel. */
      radiusLevels: number;
      /** Steps since the attack's last start; 0 where it takes none. */
      steps: number;
      tries: number;
      attack: AttackName | 'paint';
    } | null;
  } | null;
}

/** What a case amounts to: colour and sign beside the sentence. */
export type Outcome = 'tie' | 'proved' | 'open' | 'flipped' | 'broken proof';

/** The outcome in a word and the verdict in two sentences, the second of which may be empty. */
export function verdict(
  found: Case,
  { classes }: Pick<DatasetWords, 'classes'> = MNIST,
): { outcome: Outcome; says: string; adds: string } {
  const { label, epsilonLevels, certified, radiusLevels, tried } = found;
  if (label === null) {
    return {
      outcome: 'tie',
      says: 'A tie: no label to attack.',
      adds: 'The largest scores are equal.',
    };
  }
  const within = levels(epsilonLevels);
  if (tried?.flip) {
    const { flip } = tried;
    const to =
      flip.label === null ? 'Lost to a tie' : `Flipped to ${classes[flip.label] ?? flip.label}`;
    const at = levels(cut(flip.radiusLevels, Number.isInteger(flip.radiusLevels) ? 0 : 2));
    const after =
      flip.attack === 'paint'
        ? 'by hand'
        : flip.steps > 0
          ? `after ${count(flip.steps)} ${flip.steps === 1 ? 'step' : 'steps'} of ${attackName(flip.attack)}`
          : `after ${count(flip.tries)} ${flip.tries === 1 ? 'try' : 'tries'} of ${attackName(flip.attack)}`;
    if (flip.radiusLevels <= radiusLevels) {
      return {
        outcome: 'broken proof',
        says: `${to} at ${at}, within the proof.`,
        adds: 'This must not happen: it is a bug of this page. Please report it with its link.',
      };
    }
    return { outcome: 'flipped', says: `${to} at ${at}, ${after}.`, adds: proof(radiusLevels) };
  }
  if (tried?.search) {
    return {
      outcome: 'open',
      says: `${perturbations(tried.tries)} tried in search of a flip: none${tried.running ? ' so far' : ''}.`,
      adds: proof(radiusLevels),
    };
  }
  const nothing = certified ? 'Proved: there is none.' : 'Not proved: there may be one.';
  if (tried && tried.tries > 0) {
    return {
      outcome: certified ? 'proved' : 'open',
      says: `${perturbations(tried.tries)} tried within ${within}: 0 flips${tried.running ? ' so far' : ''}.`,
      adds: nothing,
    };
  }
  return certified
    ? { outcome: 'proved', says: `Proved: nothing within ${within} flips it.`, adds: 'Try.' }
    : { outcome: 'open', says: `Not proved at ${within}.`, adds: proof(radiusLevels) };
}

function perturbations(number: number): string {
  return `${count(number)} ${number === 1 ? 'perturbation' : 'perturbations'}`;
}

/** How far a label is proved, for one that is not proved at ε. */
function proof(radiusLevels: number): string {
  return radiusLevels > 0 ? `Proved up to ${cut(radiusLevels, 2)} levels only.` : 'Nothing proved.';
}

/** Where the true radius lies: between what is proved and what broke the label. */
export function sandwich(radiusLevels: number, brokenLevels: number | null): string {
  const proved = radiusLevels > 0 ? `proved up to ${cut(radiusLevels, 2)}` : 'nothing proved';
  return brokenLevels === null
    ? `${proved}, no flip found`
    : `${proved}, broken at ${brokenLevels}`;
}
