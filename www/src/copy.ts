/**
 * Numbers and sentences that several parts of the page use.
 *
 * Radii are rounded down, never up: the page must not claim a thousandth more than is proved.
 */
import type { Certificate, WeightInit } from './wasm/types.ts';
import { MNIST } from './assets/datasets.ts';
import type { View } from './codec/link.ts';

/** Where the scores can go, per class. */
export interface EndPoints {
  lower: readonly number[];
  upper: readonly number[];
}

/** The highest pixel level. */
export const FULL = 255;

const minus = (text: string) => text.replace('-', '−');

/** `value` rounded down to `decimals` places: for a radius or a lower bound. */
export function cut(value: number, decimals: number): string {
  const factor = 10 ** decimals;
  return minus((Math.floor(value * factor) / factor).toFixed(decimals));
}

/** `value` rounded up to `decimals` places: for an upper bound. */
export function lift(value: number, decimals: number): string {
  const factor = 10 ** decimals;
  return minus((Math.ceil(value * factor) / factor).toFixed(decimals));
}

/**
 * A lower bound and an upper bound below it, rounded down and up to two decimals, or to as many as
 * it takes to see that the first is the higher one.
 */
export function apart(least: number, most: number): [least: string, most: string] {
  // Each rounding moves its bound by less than 0.01 towards the other.
  const decimals = least - most > 0.02 ? 2 : 5;
  return [cut(least, decimals), lift(most, decimals)];
}

/** A number of levels as a fraction of full scale, rounded down: 76.5 is 0.300. */
export function fraction(levels: number): string {
  return (Math.floor((levels * 1000) / FULL) / 1000).toFixed(3);
}

/** "1 level", "71 levels". */
export function levels(count: number | string): string {
  return `${count} ${Number(count) === 1 ? 'level' : 'levels'}`;
}

/** p as the page writes it. */
export const power = (p: number) =>
  Number.isFinite(p) ? p.toLocaleString('en', { maximumFractionDigits: p < 100 ? 1 : 0 }) : '∞';

/** What the weights of a layer may start as, in words. */
export const WEIGHT_INIT_NAMES: Readonly<Record<WeightInit, string>> = {
  identity: 'identity',
  signed_identity: 'identity, half of it negated',
  normal: 'drawn at random',
};

/** The whole levels within which the label is proved: by IBP, which reaches farthest. */
export function provedLevels(certificate: Certificate): number {
  return Math.floor(certificate.ibpRadiusLevels);
}

/** Classes ordered by their logits, highest first; equal ones by number. */
export function ranking(certificate: Certificate): number[] {
  return certificate.logits
    .map((logit, label) => ({ logit, label }))
    .sort((a, b) => b.logit - a.logit || a.label - b.label)
    .map(({ label }) => label);
}

/** The labels that share the highest logit; more than one is a tie. */
export function leaders({ logits }: { logits: readonly number[] }): number[] {
  const best = Math.max(...logits);
  return logits.flatMap((logit, label) => (logit === best ? [label] : []));
}

/** "3 and 8", "1, 3 and 8". */
export function listed(labels: readonly (number | string)[]): string {
  if (labels.length < 2) return labels.join('');
  return `${labels.slice(0, -1).join(', ')} and ${labels.at(-1)}`;
}

/** Where a critical pixel is, counted from 0, and what a small change of it does to the score. */
export interface Place {
  x: number;
  y: number;
  change: 'lighter' | 'darker';
  does: 'raises' | 'lowers';
}

/**
 * The place of a pixel of such a level, which a score rises with (`sign` 1) or falls with (−1). A
 * pixel that is black or white already can change in one direction only.
 */
export function placeOf(x: number, y: number, sign: number, level: number): Place {
  const rising = sign > 0 ? 'lighter' : 'darker';
  const possible = rising === 'lighter' ? level < FULL : level > 0;
  if (possible) return { x, y, change: rising, does: 'raises' };
  return { x, y, change: rising === 'lighter' ? 'darker' : 'lighter', does: 'lowers' };
}

/**
 * What changes of the critical pixels of a score do to it: "row 9, column 8, darker raises it"; of
 * several, by (row, column), "darker at (9, 8) and (7, 4), lighter at (5, 5) raises it; lighter at
 * (3, 3) lowers it". Rows and columns count from 0, as on the command line and in JSON.
 */
export function moved(places: readonly Place[]): string {
  const [first] = places;
  if (places.length === 1 && first) {
    return `row ${first.y}, column ${first.x}, ${first.change} ${first.does} it`;
  }
  const parts = (['raises', 'lowers'] as const).flatMap((does) => {
    const changes = (['darker', 'lighter'] as const).flatMap((change) => {
      const at = places.filter((place) => place.does === does && place.change === change);
      // No line ends inside the brackets.
      const named = at.map(({ x, y }) => `(${y},\u00a0${x})`);
      return at.length > 0 ? [`${change} at ${listed([...new Set(named)])}`] : [];
    });
    return changes.length > 0 ? [`${changes.join(', ')} ${does} it`] : [];
  });
  return parts.join('; ');
}

/** The sentence for a screen reader: "Seven, proved for any change up to 71 of 255". */
export function spoken(certificate: Certificate, names: readonly string[] = MNIST.spoken): string {
  if (certificate.label === null) {
    return `No label: ${listed(leaders(certificate).map((label) => names[label] ?? label))} tie`;
  }
  const name = names[certificate.label] ?? String(certificate.label);
  const label = name.charAt(0).toUpperCase() + name.slice(1);
  const radius = provedLevels(certificate);
  if (radius > 0) return `${label}, proved for any change up to ${radius} of ${FULL}`;
  return certificate.ibpRadiusLevels > 0
    ? `${label}, proved only for changes up to ${certificate.ibpRadiusLevels} of a level`
    : `${label}, not proved for any change`;
}

/**
 * The classes other than `label` whose upper bound reaches the label's lower bound. They are not
 * ruled out, which does not mean that any image makes them win.
 */
export function notRuledOut(bounds: EndPoints, label: number): number[] {
  const floor = bounds.lower[label] ?? -Infinity;
  return bounds.upper.flatMap((upper, other) => (other !== label && upper >= floor ? [other] : []));
}

/** A count with separators: 212,408. */
export function count(number: number): string {
  return number.toLocaleString('en');
}

/** "40 seconds", "3 minutes", "about 7 hours", as precise as an estimate is. */
export function duration(seconds: number): string {
  const some = (count: number, unit: string) => `${count} ${unit}${count === 1 ? '' : 's'}`;
  if (seconds < 90) return some(Math.max(1, Math.round(seconds)), 'second');
  if (seconds < 90 * 60) return some(Math.round(seconds / 60), 'minute');
  if (seconds < 36 * 3600) return some(Math.round(seconds / 3600), 'hour');
  return some(Math.round(seconds / 86_400), 'day');
}

/** Why something else is there than a link or a visitor asked for. */
export const NOTICES = {
  unreadable: (called: readonly string[]) =>
    `This link cannot be read completely: ${listed(called)} cannot. ` +
    'The link may be cut short, or newer than this page. The usual values are in use instead.',
  networkMissing: (name: string) => `This page does not have the network “${name}” of the link.`,
  testImageMissing: (index: number) => `This page does not have test image ${index} of the link.`,
  ownNetworkMissing:
    'The network of this link is of another browser, or no longer kept in this one. ' +
    'The shipped network is in use.',
};

/** Whether the browser trusts the connection: without that there is no clipboard, GPU or worker. */
export const isSecure = () => globalThis.isSecureContext;

/** What a page that did not come by HTTPS, or from this computer, may not use. */
export const INSECURE = {
  clipboard: 'A page that did not come by HTTPS may not use the clipboard.',
  gpu: 'A page that did not come by HTTPS may not use the GPU.',
};

/** What the page says of runs. */
export const RUN = {
  tooLong: (steps: number, most: number) =>
    `These hyperparameters ask for ${count(steps)} steps, and a run on this page has at most ` +
    `${count(most)}: take fewer images or epochs, or a larger batch.`,
  imagesMissing:
    'This run learns from images of somebody’s own, which are not kept in this browser. ' +
    'Read their files below, in the same way, and load the run again.',
};

/** What stands in the place of a claim that something else keeps changing. */
export const CLAIM = {
  withdrawn:
    'Another program, perhaps a translator, keeps changing what the page says here. ' +
    'The claim is withdrawn: it could be wrong. Turn that program off and load the page again.',
};

/** What stands in for a part of the page whose program is still being built. */
export const BUILDING = {
  title: 'This part is still being built.',
  train: 'The training program is compiled in the terminal in which this page was started.',
  baseline:
    'The program of the baseline networks is compiled in the terminal in which this page was started.',
  gpu: 'The program that attacks on the GPU is compiled in the terminal in which this page was started.',
  import:
    'The program that reads images of your own is compiled in the terminal in which this page was started.',
  teach: 'The program that teaches is compiled in the terminal in which this page was started.',
  patience:
    'It appears here by itself when it is ready. You can use the rest of the page meanwhile.',
  ready: 'It is ready. Loading the page again brings it, and ends what is under way.',
};

/** The views by their names. */
export const VIEW_NAMES: Record<View, string> = {
  draw: 'Draw',
  attack: 'Attack',
  measure: 'Measure',
  train: 'Train',
  learn: 'Learn',
  about: 'About',
};

/** The title of each view. */
export const TITLES: Record<View, string> = {
  draw: 'ℓ∞-dist Net: draw a digit that cannot be flipped',
  attack: 'Attack a proved label · ℓ∞-dist Net',
  measure: 'Measure how many labels are proved · ℓ∞-dist Net',
  train: 'Train a network with proved labels · ℓ∞-dist Net',
  learn: 'Learn why a label can be proved · ℓ∞-dist Net',
  about: 'About · ℓ∞-dist Net',
};
