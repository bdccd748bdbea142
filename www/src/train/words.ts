/** Sentences and numbers of the view *Train*. */
import type { Metrics } from '../../../pkg/train/train.js';

/** "40 seconds", "3 minutes", "about 7 hours", as precise as an estimate is. */
export function duration(seconds: number): string {
  const some = (count: number, unit: string) => `${count} ${unit}${count === 1 ? '' : 's'}`;
  if (seconds < 90) return some(Math.max(1, Math.round(seconds)), 'second');
  if (seconds < 90 * 60) return some(Math.round(seconds / 60), 'minute');
  if (seconds < 36 * 3600) return some(Math.round(seconds / 3600), 'hour');
  return some(Math.round(seconds / 86_400), 'day');
}

export const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/** p as the page writes it. */
export const power = (p: number) =>
  Number.isFinite(p) ? p.toLocaleString('en', { maximumFractionDigits: p < 100 ? 1 : 0 }) : '∞';

const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean of the first and of the last twenty; `null` before there are as many. */
export function firstAndLast(values: readonly number[]): [first: number, last: number] | null {
  const COUNT = 20;
  if (values.length < COUNT) return null;
  return [mean(values.slice(0, COUNT)), mean(values.slice(-COUNT))];
}

/** Certified accuracy that counts as having come off the ground. */
const LIFTED = 0.1;

/** The measurement at which certified accuracy came off the ground, if it did while watched. */
export function liftOff(metrics: readonly Metrics[]): Metrics | null {
  const at = metrics.findIndex(({ certifiedInterval }) => certifiedInterval >= LIFTED);
  return at > 0 ? (metrics[at] ?? null) : null;
}
