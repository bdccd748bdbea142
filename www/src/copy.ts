/**
 * Numbers and sentences of the page.
 *
 * Radii are rounded down, never up: the page must not claim a thousandth more than is proved.
 */
import type { Verdict } from './wasm/certify.ts';
import { MNIST } from './assets/datasets.ts';

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

/** The whole levels within which the label is proved: by intervals, which reach farthest. */
export function provedLevels(verdict: Verdict): number {
  return Math.floor(verdict.intervalRadiusLevels);
}

/** Classes ordered by their logits, highest first; equal ones by number. */
export function ranking(verdict: Verdict): number[] {
  return verdict.logits
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

/**
 * Where a pixel that decides a score is, counted from 0, and what a small change of it does to the
 * score.
 */
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
 * What changes of the pixels that decide a score do to it: "row 9, column 8, darker raises it"; of
 * several, by (row, column), "darker at (9, 8) and (7, 4), lighter at (5, 5) raises it; lighter at
 * (3, 3) lowers it".
 */
export function moved(places: readonly Place[]): string {
  const [first] = places;
  if (places.length === 1 && first) {
    return `row ${first.y + 1}, column ${first.x + 1}, ${first.change} ${first.does} it`;
  }
  const parts = (['raises', 'lowers'] as const).flatMap((does) => {
    const changes = (['darker', 'lighter'] as const).flatMap((change) => {
      const at = places.filter((place) => place.does === does && place.change === change);
      // No line ends inside the brackets.
      const named = at.map(({ x, y }) => `(${y + 1},\u00a0${x + 1})`);
      return at.length > 0 ? [`${change} at ${listed([...new Set(named)])}`] : [];
    });
    return changes.length > 0 ? [`${changes.join(', ')} ${does} it`] : [];
  });
  return parts.join('; ');
}

/** The sentence for a screen reader: "Seven, proved for any change up to 71 of 255". */
export function spoken(verdict: Verdict, names: readonly string[] = MNIST.spoken): string {
  if (verdict.label === null) {
    return `No label: ${listed(leaders(verdict).map((label) => names[label] ?? label))} tie`;
  }
  const name = names[verdict.label] ?? String(verdict.label);
  const label = name.charAt(0).toUpperCase() + name.slice(1);
  const radius = provedLevels(verdict);
  if (radius > 0) return `${label}, proved for any change up to ${radius} of ${FULL}`;
  return verdict.intervalRadiusLevels > 0
    ? `${label}, proved only for changes up to ${verdict.intervalRadiusLevels} of a level`
    : `${label}, not proved for any change`;
}

/**
 * The classes other than `label` whose upper bound reaches the label's lower bound: not ruled out,
 * which does not mean that any image makes them win.
 */
export function rivals(bounds: EndPoints, label: number): number[] {
  const floor = bounds.lower[label] ?? -Infinity;
  return bounds.upper.flatMap((upper, rival) => (rival !== label && upper >= floor ? [rival] : []));
}

/** A count with separators: 212,408. */
export function count(number: number): string {
  return number.toLocaleString('en');
}
