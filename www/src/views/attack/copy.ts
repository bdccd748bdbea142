/**
 * The sentences of the view *Attack*.
 *
 * Every sentence tells apart what is proved and what was only tried: no number of queries proves
 * anything, and no proof needs a query.
 */
import { ATTACKS, runsOnGpu } from '../../assets/attacks.ts';
import type { BaselineName, Compute } from '../../codec/link.ts';
import type { Adapter } from '../../wasm/adapter.ts';
import type { Processor } from '../../workers/attack-protocol.ts';
import type { AttackInfo, AttackName } from '../../wasm/types.ts';
import { MNIST, type DatasetWords } from '../../assets/datasets.ts';
import { INSECURE, count, cut, levels } from '../../copy.ts';

/** What the page calls an attack where lay readers need another word than the module has. */
const LAY: Partial<Record<AttackName, { title?: string; summary: string }>> = {
  min_norm: {
    title: 'Smallest flip',
    summary: 'minimum-norm attack: all of these, at whatever ε it takes',
  },
  all: { summary: 'by turns, until you stop them' },
};

/** The attacks as the page offers them. */
export const OFFERED_ATTACKS: readonly AttackInfo[] = ATTACKS.map((attack) => ({
  ...attack,
  ...LAY[attack.name],
}));

/** What attacks can run on, as the page offers it. */
export function computeNames(adapter: Adapter | null | undefined): Record<Compute, string> {
  const auto = adapter && !adapter.software ? 'GPU' : 'CPU';
  return {
    auto: `auto (${auto})`,
    cpu: 'CPU',
    gpu: adapter?.software ? 'GPU (software)' : 'GPU',
  };
}

/** What an attack runs on, beside its counters; `planned` tells of one that was not begun. */
export function processorLine(
  processor: Processor | null,
  attack: AttackName | null,
  wantsGpu: boolean,
): string {
  if (processor?.trouble) return `${processor.trouble}.`;
  if (processor?.gpu) {
    const { name, software } = processor.gpu;
    return `On the GPU ${name}${software ? ', a software adapter' : ''}.`;
  }
  if (attack && wantsGpu && !runsOnGpu(attack)) {
    return `On the CPU: ${attackName(attack)} goes step by step, which is no work for a GPU.`;
  }
  return processor ? 'On the CPU.' : '';
}

/** The first queries of an attack on both processors. */
export function comparisonLine(comparison: Processor['comparison']): string {
  if (!comparison) return '';
  const { queries, gpuMs, cpuMs, sameBits } = comparison;
  const ms = (time: number) => `${time < 10 ? time.toFixed(1) : count(Math.round(time))} ms`;
  return `First ${count(queries)} queries: ${ms(gpuMs)}, on the CPU ${ms(cpuMs)}; same bits: ${sameBits ? 'yes' : 'no'}.`;
}

/** An attack in the middle of a sentence. */
export function attackName(attack: AttackName): string {
  if (attack === 'all') return 'all attacks';
  if (attack === 'min_norm') return 'the search';
  const title = ATTACKS.find(({ name }) => name === attack)?.title ?? attack;
  return title === title.toUpperCase() ? title : `the ${title.toLowerCase()} attack`;
}

/** What is known of a label within ε. */
export interface Case {
  /** The label of the image as drawn; null in a tie. */
  label: number | null;
  /** A whole number. */
  epsilonLevels: number;
  /** Whether the label is proved at this ε. */
  certified: boolean;
  /** How far it is proved by IBP, in levels. */
  ibpRadiusLevels: number;
  tried: {
    queries: number;
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
      queries: number;
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
  const { label, epsilonLevels, certified, ibpRadiusLevels, tried } = found;
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
          : `after ${count(flip.queries)} ${flip.queries === 1 ? 'query' : 'queries'} of ${attackName(flip.attack)}`;
    if (flip.radiusLevels <= ibpRadiusLevels) {
      return {
        outcome: 'broken proof',
        says: `${to} at ${at}, within the proof.`,
        adds: 'This must not happen: it is a bug of this page. Please report it with its link.',
      };
    }
    return { outcome: 'flipped', says: `${to} at ${at}, ${after}.`, adds: proof(ibpRadiusLevels) };
  }
  if (tried?.search && tried.queries === 0 && tried.running) {
    return { outcome: 'open', says: 'Searching for a flip.', adds: proof(ibpRadiusLevels) };
  }
  if (tried?.search && tried.queries > 0) {
    return {
      outcome: 'open',
      says: `${perturbations(tried.queries)} tried in search of a flip: none${tried.running ? ' so far' : ''}.`,
      adds: proof(ibpRadiusLevels),
    };
  }
  const nothing = certified ? 'Proved: there is none.' : 'Not proved: there may be one.';
  if (tried && tried.queries > 0) {
    return {
      outcome: certified ? 'proved' : 'open',
      says: `${perturbations(tried.queries)} tried within ${within}: 0 flips${tried.running ? ' so far' : ''}.`,
      adds: nothing,
    };
  }
  return certified
    ? { outcome: 'proved', says: `Proved: nothing within ${within} flips it.`, adds: 'Try.' }
    : { outcome: 'open', says: `Not proved at ${within}.`, adds: proof(ibpRadiusLevels) };
}

function perturbations(number: number): string {
  return `${count(number)} ${number === 1 ? 'perturbation' : 'perturbations'}`;
}

/** How far a label is proved, for one that is not proved at ε. */
function proof(radiusLevels: number): string {
  return radiusLevels > 0 ? `Proved up to ${cut(radiusLevels, 2)} levels only.` : 'Nothing proved.';
}

/** The bracket of the true radius: it lies between what is proved and what broke the label. */
export function radiusBracket(
  radiusLevels: number,
  brokenLevels: number | null,
  isTried: boolean,
): string {
  const proved = radiusLevels > 0 ? `proved up to ${cut(radiusLevels, 2)}` : 'nothing proved';
  if (brokenLevels !== null) return `${proved}, broken at ${brokenLevels}`;
  return isTried ? `${proved}, no flip found` : `${proved}, nothing tried yet`;
}

/** What the page says of the link to a result. */
export const LINK_NOTES = {
  copied: 'The link is copied. It is in the address bar, too.',
  notCopied: 'The link is in the address bar. Copy it from there.',
  insecure: `The link is in the address bar. Copy it from there. ${INSECURE.clipboard}`,
  shared:
    'A shared result. Your browser has just computed its labels, levels and proofs; only the counts ' +
    'are from the link. The same attack with the same seed makes the same queries, on a GPU others ' +
    'than on the CPU.',
  damaged: 'The result in this link is damaged, or of another image than this one.',
  unknownNetwork: (hash: string) =>
    `The result in this link is of a network that this page does not have (${hash}). ` +
    'You can try the same attack on the networks here.',
  otherEpsilon: 'The result in this link does not belong to its ε.',
};

/** The baselines, by how they were trained. */
export const BASELINE_NAMES: Record<BaselineName, string> = {
  relu: 'ReLU',
  adversarial: 'ReLU, adversarial training',
  ibp: 'ReLU, IBP training',
};
