/** What the records of many images say, counted: by class, by radius, and which of them stand out. */
import { FULL } from '../../copy.ts';
import { STEPS_PER_LEVEL, type Columns } from '../../wasm/measure.ts';

/** What is counted here. */
export type Records = Pick<Columns, 'labels' | 'predicted' | 'ibpRadiusTicks'>;

/** ε of a point of the curve in ticks, rounded up: what is proved there is proved at ε. */
export const epsilonTicks = (point: number, scale: number) =>
  Math.ceil((point * scale) / STEPS_PER_LEVEL);

const isRight = ({ labels, predicted }: Records, index: number) =>
  labels[index] === predicted[index];

/** How many images of each label got each label; the last column counts ties, which are no label. */
export function confusion({ labels, predicted }: Records, classes: number): number[][] {
  const counts = Array.from({ length: classes }, () => Array<number>(classes + 1).fill(0));
  labels.forEach((label, index) => {
    const given = predicted[index] ?? -1;
    const row = counts[label];
    const column = given < 0 ? classes : given;
    if (row) row[column] = (row[column] ?? 0) + 1;
  });
  return counts;
}

/** The images of one class. */
export interface ClassFigures {
  images: number;
  clean: number;
  /** Labelled rightly and proved at ε. */
  certified: number;
  /** Mean IBP radius in levels; one that is labelled wrongly counts 0. */
  meanRadius: number;
}

export function byClass(
  records: Records,
  classes: number,
  scale: number,
  epsilon: number,
): ClassFigures[] {
  const figures = Array.from({ length: classes }, () => ({
    images: 0,
    clean: 0,
    certified: 0,
    meanRadius: 0,
  }));
  records.labels.forEach((label, index) => {
    const one = figures[label];
    if (!one) return;
    one.images += 1;
    if (!isRight(records, index)) return;
    const radius = records.ibpRadiusTicks[index] ?? -1;
    one.clean += 1;
    if (radius >= epsilon) one.certified += 1;
    // A sum for now.
    one.meanRadius += Math.max(0, radius);
  });
  for (const one of figures) one.meanRadius /= Math.max(1, one.images) * scale;
  return figures;
}

/** Levels that a bar of the histogram stands for. */
export const BAR_LEVELS = 8;
const BARS = Math.ceil((FULL + 1) / BAR_LEVELS);

/** How many images have a proved radius within the levels of each bar, by whether the label is right. */
export function histogram(
  records: Records,
  scale: number,
): { right: readonly number[]; wrong: readonly number[]; unproved: number } {
  const [right, wrong] = [Array<number>(BARS).fill(0), Array<number>(BARS).fill(0)];
  let unproved = 0;
  records.ibpRadiusTicks.forEach((radius, index) => {
    if (radius < 0) {
      unproved += 1;
      return;
    }
    const bar = Math.min(BARS - 1, Math.floor(radius / scale / BAR_LEVELS));
    const bars = isRight(records, index) ? right : wrong;
    bars[bar] = (bars[bar] ?? 0) + 1;
  });
  return { right, wrong, unproved };
}

/** Images that stand out. */
export const KINDS = ['wrong', 'wrong-certified', 'barely', 'robust'] as const;
export type Kind = (typeof KINDS)[number];

/** How many images are of a kind, and the numbers of those that stand out most. */
export function outstanding(
  records: Records,
  epsilon: number,
  kind: Kind,
  most: number,
): { count: number; images: readonly number[] } {
  const radius = (index: number) => records.ibpRadiusTicks[index] ?? -1;
  const belongs: Record<Kind, (index: number) => boolean> = {
    wrong: (index) => !isRight(records, index),
    'wrong-certified': (index) => !isRight(records, index) && radius(index) >= epsilon,
    barely: (index) => isRight(records, index) && radius(index) >= epsilon,
    robust: (index) => isRight(records, index) && radius(index) >= 0,
  };
  const found: number[] = [];
  for (let index = 0; index < records.labels.length; index += 1) {
    if (belongs[kind](index)) found.push(index);
  }
  const count = found.length;
  if (kind !== 'wrong') {
    const sign = kind === 'barely' ? 1 : -1;
    found.sort((a, b) => sign * (radius(a) - radius(b)) || a - b);
  }
  return { count, images: found.slice(0, most) };
}
