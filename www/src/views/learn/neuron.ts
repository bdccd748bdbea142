/** The distance of one neuron, for whole p and for p = ∞. */
import { type Image } from './two-pixels.ts';

/** What p can be here; training begins at 8. */
export const NORMS = [2, 4, 8, 16, 32, 64, 128, Infinity] as const;

/** `‖d‖_p` of differences that are not negative. */
export function norm(differences: readonly number[], p: number): number {
  const most = Math.max(...differences);
  if (most === 0 || p === Infinity) return most;
  const sum = differences.reduce((sum, difference) => sum + (difference / most) ** p, 0);
  return most * sum ** (1 / p);
}

/** By how much the distance grows for each level that one of the differences grows. */
export function slopes(differences: readonly number[], p: number): number[] {
  const distance = norm(differences, p);
  return differences.map((difference) => {
    if (distance === 0) return 1;
    if (p === Infinity) return difference === distance ? 1 : 0;
    return (difference / distance) ** (p - 1);
  });
}

/** The most by which a distance over `pixels` changes when each of them moves by one level. */
export function steepest(pixels: number, p: number): number {
  return pixels ** (1 / p);
}

/** Points on a quarter of an outline. */
const POINTS = 24;

/** The images at a distance from `w`, as an SVG path in levels. */
export function outline([v, w]: Image, distance: number, p: number): string {
  if (p === Infinity) {
    const side = 2 * distance;
    return `M${v - distance} ${w - distance}h${side}v${side}h${-side}z`;
  }
  // A quarter turn, at even angles; the power makes it the outline of p.
  const quarter = Array.from({ length: POINTS }, (_, at) => {
    const angle = (Math.PI / 2) * (at / POINTS);
    return [Math.cos(angle), Math.sin(angle)].map((part) => distance * part ** (2 / p));
  });
  const turned = [
    [1, 1],
    [-1, 1],
    [-1, -1],
    [1, -1],
  ].flatMap(([right = 1, up = 1], turn) => {
    const points = quarter.map(([x = 0, y = 0]) => (turn % 2 === 0 ? [x, y] : [y, x]));
    return points.map(([x = 0, y = 0]) => [v + right * x, w + up * y]);
  });
  return `M${turned.map(([x = 0, y = 0]) => `${x.toFixed(2)} ${y.toFixed(2)}`).join('L')}z`;
}

/** The least and the largest distance from `w` that the images of a box have. */
export function range(pixels: readonly (readonly [number, number])[], w: Image, p: number) {
  const ends = pixels.map(([least, most], pixel) => {
    const weight = w[pixel] ?? 0;
    return [
      Math.max(0, least - weight, weight - most),
      Math.max(most - weight, weight - least),
    ] as const;
  });
  return [norm(ends.map(([least]) => least), p), norm(ends.map(([, most]) => most), p)] as const; // prettier-ignore
}
