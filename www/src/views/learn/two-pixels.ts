/**
 * Networks for images of two pixels: so small that all images there are can be looked up.
 *
 * Their weights are whole numbers drawn at random, so that scores are whole numbers too and what is
 * said of them is exact. Nothing is trained: what holds here holds whatever the weights are.
 */

/** Levels of a pixel, 0 to 255. */
export const LEVELS = 256;
export const LABELS = ['A', 'B', 'C'] as const;

/** The levels of both pixels. */
export type Image = readonly [number, number];

/** Neurons of the hidden layer. */
const HIDDEN = 8;
/** A hidden distance takes part in a score with this probability. */
const DENSITY = 0.6;
/** Weights of the scores: most hidden distances are below it. */
const FARTHEST = 160;
/** Weights of the baseline network, up to this and down to its negative. */
const STEEPEST = 2;
/** Networks are drawn until each label has at least this share of the images, */
const LEAST_SHARE = 1 / 8;
/** and ties at most this one, */
const MOST_TIES = 1 / 32;
/** as far as images show whose levels are multiples of this. */
const GRID = 8;
const MOST_DRAWS = 200;

/** A network: from an image to the scores of the labels. */
interface Net {
  scores(image: Image): number[];
}
/** A whole number from `least` to `most`. */
type Draw = (least: number, most: number) => number;

/** Random numbers from a seed: Mulberry32 by Tommy Ettinger, in the public domain. */
export function random(seed: number): Draw {
  let state = seed >>> 0;
  return (least, most) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    const fraction = ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
    return least + Math.floor(fraction * (most - least + 1));
  };
}

const repeat = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

/** An interval that a number can be in, `[least, most]`. */
type Interval = readonly [number, number];

/** Where `|v − w|` can be while `v` moves through an interval. */
function distances([least, most]: Interval, w: number): Interval {
  return [Math.max(0, least - w, w - most), Math.max(w - least, most - w)];
}

/** The larger of the least values, and of the largest. */
function largest(intervals: readonly Interval[]): Interval {
  return [
    Math.max(...intervals.map(([least]) => least)),
    Math.max(...intervals.map(([, most]) => most)),
  ];
}

/** A network of two layers of distances, each neuron ‖x − w‖∞; a score is minus one. */
class DistanceNet implements Net {
  readonly #hidden: readonly Image[];
  /** Of every label the hidden neurons that it sees, each with a weight. */
  readonly #labels: readonly (readonly [neuron: number, weight: number])[][];

  constructor(draw: Draw) {
    const level = () => draw(0, LEVELS - 1);
    this.#hidden = repeat(HIDDEN, () => [level(), level()] as const);
    this.#labels = LABELS.map(() => {
      const seen = this.#hidden.flatMap((_, neuron) =>
        draw(1, 100) <= 100 * DENSITY ? [[neuron, draw(0, FARTHEST)] as const] : [],
      );
      return seen.length > 0 ? seen : [[draw(0, HIDDEN - 1), draw(0, FARTHEST)] as const];
    });
  }

  /** Where every score can be while the pixels move through their intervals. */
  bounds(pixels: readonly [Interval, Interval]): Interval[] {
    const hidden = this.#hidden.map((w) =>
      largest(pixels.map((x, at) => distances(x, w[at] ?? 0))),
    );
    return this.#labels.map((seen) => {
      const [least, most] = largest(
        seen.map(([neuron, weight]) => distances(hidden[neuron] ?? [0, 0], weight)),
      );
      return [-most, -least];
    });
  }

  scores = ([x, y]: Image): number[] => {
    const hidden = this.#hidden.map(([v, w]) => Math.max(Math.abs(x - v), Math.abs(y - w)));
    return this.#labels.map((seen) => {
      let distance = 0;
      for (const [neuron, weight] of seen) {
        distance = Math.max(distance, Math.abs((hidden[neuron] ?? 0) - weight));
      }
      return -distance;
    });
  };
}

/** An baseline network of two layers: weighted sums, those below 0 cut off in the hidden layer. */
function baselineNet(draw: Draw): Net {
  const weight = () => draw(-STEEPEST, STEEPEST);
  const hidden = repeat(HIDDEN, () => {
    const [v, w] = [weight(), weight()];
    // It bends along a line through some image.
    const bias = -v * draw(0, LEVELS - 1) - w * draw(0, LEVELS - 1);
    return [v, w, bias] as const;
  });
  // A bias each, so that labels differ where no hidden neuron is active.
  const labels = LABELS.map(() => ({
    bias: draw(-LEVELS, LEVELS),
    weights: repeat(HIDDEN, weight),
  }));
  const scores = ([x, y]: Image) => {
    const active = hidden.map(([v, w, bias]) => Math.max(0, v * x + w * y + bias));
    return labels.map(({ bias, weights }) =>
      weights.reduce((sum, weight, neuron) => sum + weight * (active[neuron] ?? 0), bias),
    );
  };
  return { scores };
}

/** Stands for a label where there is none. */
export const TIE = -1;

/** The index of the highest score. */
function leader(scores: readonly number[]): number {
  const best = Math.max(...scores);
  const first = scores.indexOf(best);
  return scores.indexOf(best, first + 1) < 0 ? first : TIE;
}

/** The place of an image among all of them, row by row of the second pixel. */
export function index([x, y]: Image): number {
  return y * LEVELS + x;
}

/** What a network says of all images of two pixels. */
export class Atlas {
  /** Scores of each image, label by label; images row by row of the second pixel. */
  readonly #scores = new Int32Array(LEVELS * LEVELS * LABELS.length);
  /** The label of each image, as its index; `TIE` where several have the highest score. */
  readonly #labels = new Int8Array(LEVELS * LEVELS);
  /** The most by which any score changes between two images whose pixels differ by one level at most. */
  readonly steepest: number;

  constructor(net: Net) {
    for (let y = 0; y < LEVELS; y += 1) {
      for (let x = 0; x < LEVELS; x += 1) {
        const scores = net.scores([x, y]);
        this.#scores.set(scores, LABELS.length * index([x, y]));
        this.#labels[index([x, y])] = leader(scores);
      }
    }
    this.steepest = this.#steepest();
  }

  scores(image: Image): number[] {
    const at = LABELS.length * index(image);
    return [...this.#scores.subarray(at, at + LABELS.length)];
  }

  /** The index of its label; `TIE` where several have the highest score. */
  label(image: Image): number {
    return this.#labels[index(image)] ?? TIE;
  }

  /** By how much the highest score of an image leads; 0 in a tie. */
  lead(image: Image): number {
    const [first = 0, second = 0] = this.scores(image).sort((a, b) => b - a);
    return first - second;
  }

  /** The largest whole radius below half the lead; `null` in a tie. */
  halfLead(image: Image): number | null {
    const lead = this.lead(image);
    return lead > 0 ? Math.floor((lead - 1) / 2) : null;
  }

  /** The largest whole radius that the lead proves: half of it, divided by what a level may do. */
  byLead(image: Image): number | null {
    const lead = this.lead(image);
    return lead > 0 ? Math.floor((lead - 1) / (2 * this.steepest)) : null;
  }

  /** Of the images whose pixels differ by up to `radius` from these: all, and those without their label. */
  around(image: Image, radius: number): { all: number; others: number } {
    const [[left, right], [bottom, top]] = box(image, radius);
    const label = this.label(image);
    let others = 0;
    for (let y = bottom; y <= top; y += 1) {
      for (let at = index([left, y]); at <= index([right, y]); at += 1) {
        if (this.#labels[at] !== label) others += 1;
      }
    }
    return { all: (right - left + 1) * (top - bottom + 1), others };
  }

  #steepest(): number {
    const scores = this.#scores;
    // To the right, up, and both diagonals: every pair of neighbours once.
    const steps = [[1, 0], [0, 1], [1, 1], [-1, 1]] as const; // prettier-ignore
    let most = 0;
    for (const [right, up] of steps) {
      const [first, last] = [Math.max(0, -right), LEVELS - Math.max(0, right)];
      const step = LABELS.length * (up * LEVELS + right);
      for (let y = 0; y < LEVELS - up; y += 1) {
        const end = LABELS.length * (y * LEVELS + last);
        for (let at = LABELS.length * (y * LEVELS + first); at < end; at += 1) {
          most = Math.max(most, Math.abs((scores[at] ?? 0) - (scores[at + step] ?? 0)));
        }
      }
    }
    return most;
  }
}

/** The images whose pixels differ by up to `radius` levels from these, as intervals of the pixels. */
export function box([x, y]: Image, radius: number): [Interval, Interval] {
  const side = (level: number): Interval => [
    Math.max(0, level - radius),
    Math.min(LEVELS - 1, level + radius),
  ];
  return [side(x), side(y)];
}

/** All images by a network of distances, and what intervals prove of it. */
export class DistanceAtlas extends Atlas {
  readonly #net: DistanceNet;

  constructor(net: DistanceNet) {
    super(net);
    this.#net = net;
  }

  /** The largest whole radius that intervals prove, at least what the lead proves; `null` in a tie. */
  intervals(image: Image): number | null {
    let radius = this.byLead(image);
    if (radius === null) return null;
    const label = this.label(image);
    while (radius < LEVELS - 1 && this.#holds(image, label, radius + 1)) radius += 1;
    return radius;
  }

  #holds(image: Image, label: number, radius: number): boolean {
    const bounds = this.#net.bounds(box(image, radius));
    const least = bounds[label]?.[0] ?? -Infinity;
    return bounds.every(([, most], other) => other === label || most < least);
  }
}

/** Whether every label has its share of the images, by those of a grid. */
function isFair({ scores }: Net): boolean {
  const counts = LABELS.map(() => 0);
  let images = 0;
  let ties = 0;
  for (let y = 0; y < LEVELS; y += GRID) {
    for (let x = 0; x < LEVELS; x += GRID) {
      const label = leader(scores([x, y]));
      images += 1;
      if (label === TIE) ties += 1;
      else counts[label] = (counts[label] ?? 0) + 1;
    }
  }
  return Math.min(...counts) >= LEAST_SHARE * images && ties <= MOST_TIES * images;
}

/** The first fair network from a seed on. */
function drawn<N extends Net>(seed: number, make: (draw: Draw) => N): N {
  const draw = random(seed);
  let net = make(draw);
  for (let draws = 1; draws < MOST_DRAWS && !isFair(net); draws += 1) net = make(draw);
  return net;
}

/** A network of distances with random weights. */
export function distanceAtlas(seed: number): DistanceAtlas {
  return new DistanceAtlas(drawn(seed, (draw) => new DistanceNet(draw)));
}

/** An baseline network with random weights. */
export function baselineAtlas(seed: number): Atlas {
  return new Atlas(drawn(seed, baselineNet));
}
