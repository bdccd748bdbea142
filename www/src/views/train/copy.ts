/** Sentences and numbers of the view *Train*. */
import type { Metrics } from '../../../../pkg/train/train.js';
import { cut } from '../../copy.ts';
import type { Device } from '../../state/run.svelte.ts';

/** "40 seconds", "3 minutes", "about 7 hours", as precise as an estimate is. */
export function duration(seconds: number): string {
  const some = (count: number, unit: string) => `${count} ${unit}${count === 1 ? '' : 's'}`;
  if (seconds < 90) return some(Math.max(1, Math.round(seconds)), 'second');
  if (seconds < 90 * 60) return some(Math.round(seconds / 60), 'minute');
  if (seconds < 36 * 3600) return some(Math.round(seconds / 3600), 'hour');
  return some(Math.round(seconds / 86_400), 'day');
}

/** A share of at most 60,000 images, rounded down: a thousandth more than is proved is not claimed. */
export const percent = (share: number) => `${cut(100 * share + 1e-9, 1)} %`;

/** "784–128–128–10". */
export const architecture = (hidden: readonly number[]) => [784, ...hidden, 10].join('–');

/** What a run is trained on, and why on that. */
export function deviceWords({ kind, name, software, why }: Device): string {
  const what =
    kind === 'cpu'
      ? name
      : `GPU: ${name}, through WebGPU${software ? ' (imitated by the CPU)' : ''}`;
  return why ? `${what}. ${why}` : `${what}.`;
}

/** p as the page writes it. */
export const power = (p: number) =>
  Number.isFinite(p) ? p.toLocaleString('en', { maximumFractionDigits: p < 100 ? 1 : 0 }) : '∞';

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

/** The measurement at which certified accuracy came off the ground as p grew, if it did while watched. */
export function liftOff(metrics: readonly Metrics[]): Metrics | null {
  const first = metrics[0];
  if (!first || first.certifiedInterval >= LIFTED) return null;
  const lifted = ({ p, certifiedInterval }: Metrics) => p > first.p && certifiedInterval >= LIFTED;
  return metrics.find(lifted) ?? null;
}
