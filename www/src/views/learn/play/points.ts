/**
 * Points of two pixels to learn, from a seed: the same everywhere.
 *
 * Lengths are in pixel levels. Shapes lie around the middle of the plane, their noise is Gaussian, and
 * a point that would leave the plane is brought back to its edge.
 */
import { LEVELS, random } from '../two-pixels.ts';

/** The kinds of data that are made; the first is the usual one. */
export const DATA = ['circles', 'xor', 'moons', 'spirals', 'blobs'] as const;
export type DataName = (typeof DATA)[number];

/** A point that a visitor has set. */
export interface OwnPoint {
  x: number;
  y: number;
  label: number;
}

/** Points: pixels `[n, 2]` and labels `[n]`. */
export interface Points {
  pixels: Uint8Array<ArrayBuffer>;
  labels: Uint8Array<ArrayBuffer>;
}

/** How many classes a kind of data can have. */
export const CLASSES: Readonly<Record<DataName, readonly number[]>> = {
  circles: [2, 3, 4],
  xor: [2, 4],
  moons: [2],
  spirals: [2, 3, 4],
  blobs: [2, 3, 4],
};

const MIDDLE = (LEVELS - 1) / 2;
const TURN = 2 * Math.PI;

/** Draws from 0 to 1. */
type Uniform = () => number;
/** A place relative to the middle. */
type Place = readonly [number, number];

const polar = (radius: number, angle: number): Place => [
  radius * Math.cos(angle),
  radius * Math.sin(angle),
];

/** Where a point of a class lies, before noise. */
const MAKERS: Readonly<Record<DataName, (label: number, of: number, draw: Uniform) => Place>> = {
  /** A disc, and rings around it. */
  circles(label, of, draw) {
    const [outermost, width] = [112, 14];
    const angle = TURN * draw();
    if (label === 0) return polar((of === 2 ? 36 : 20) * Math.sqrt(draw()), angle);
    const ring = outermost - ((of - 1 - label) * (outermost - 20)) / (of - 1);
    return polar(ring - width * draw(), angle);
  },
  /** Quadrants; with two classes opposite ones are of the same class. */
  xor(label, of, draw) {
    const [near, far] = [20, 110];
    const quadrant = of === 2 ? label + 2 * Math.floor(2 * draw()) : label;
    const along = () => near + (far - near) * draw();
    const signs = [
      [1, 1],
      [-1, 1],
      [-1, -1],
      [1, -1],
    ] as const;
    const [right, up] = signs[quadrant] ?? [1, 1];
    return [right * along(), up * along()];
  },
  /** Two half circles that reach into each other. */
  moons(label, _, draw) {
    const [radius, angle] = [72, Math.PI * draw()];
    const [x, y] = polar(radius, angle);
    return label === 0 ? [x - radius / 2, y - 24] : [-x + radius / 2, -y + 24];
  },
  /** Arms that turn once and a bit around the middle. */
  spirals(label, of, draw) {
    const along = Math.sqrt(draw());
    return polar(14 + 102 * along, TURN * (label / of + 1.1 * along));
  },
  /** Clusters on a circle. */
  blobs(label, of, draw) {
    const [x, y] = polar(74, TURN * (label / of + 1 / 8));
    const [right, up] = polar(22 * Math.sqrt(draw()), TURN * draw());
    return [x + right, y + up];
  },
};

const level = (value: number) => Math.min(LEVELS - 1, Math.max(0, Math.round(value)));

/** So many points of a kind, as many of each class as possible. */
export function makePoints(
  data: DataName,
  {
    classes,
    count,
    noise,
    seed,
  }: { classes: number; count: number; /** A standard deviation. */ noise: number; seed: number },
): Points {
  const whole = random(seed);
  const draw = () => whole(0, 2 ** 24 - 1) / 2 ** 24;
  /** Two numbers from N(0, 1) (Box and Muller). */
  const gaussians = () => polar(Math.sqrt(-2 * Math.log(1 - draw())), TURN * draw());
  const pixels = new Uint8Array(2 * count);
  const labels = new Uint8Array(count);
  for (let at = 0; at < count; at += 1) {
    const label = at % classes;
    const [x, y] = MAKERS[data](label, classes, draw);
    const [right, up] = gaussians();
    pixels.set([level(MIDDLE + x + noise * right), level(MIDDLE + y + noise * up)], 2 * at);
    labels[at] = label;
  }
  return { pixels, labels };
}

/** The points that a visitor has set. */
export function ownPoints(points: readonly OwnPoint[]): Points {
  return {
    pixels: Uint8Array.from(points.flatMap(({ x, y }) => [x, y])),
    labels: Uint8Array.from(points, ({ label }) => label),
  };
}
