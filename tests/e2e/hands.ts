/**
 * Ten digits in five hands: pen paths that differ in form, slant, size, width and place.
 *
 * A digit's paths lie in a unit square, y downwards; a hand bends them its own way.
 */
import type { Path } from './page.ts';

type Point = [number, number];

/** Points along an ellipse, by angles in degrees: 0 is right, 90 is down. */
function arc(cx: number, cy: number, rx: number, ry: number, from: number, to: number): Point[] {
  const steps = Math.max(6, Math.round(Math.abs(to - from) / 15));
  return Array.from({ length: steps + 1 }, (_, step) => {
    const angle = ((from + ((to - from) * step) / steps) * Math.PI) / 180;
    return [cx + rx * Math.cos(angle), cy + ry * Math.sin(angle)];
  });
}

/** Two ways to write each digit, as people are taught in different places. */
const FORMS: Point[][][][] = [
  [[arc(0.5, 0.5, 0.33, 0.5, -90, -450)], [arc(0.5, 0.5, 0.42, 0.5, -60, 310)]],
  [
    [[[0.5, 0], [0.5, 1]]], // prettier-ignore
    [[[0.3, 0.24], [0.52, 0], [0.52, 1]]], // prettier-ignore
  ],
  [
    [[...arc(0.48, 0.28, 0.3, 0.28, 190, 395), [0.2, 1], [0.84, 1]]],
    [[...arc(0.48, 0.27, 0.32, 0.27, 200, 400), [0.14, 0.98], [0.5, 0.93], [0.9, 0.98]]],
  ],
  [
    [[...arc(0.42, 0.25, 0.33, 0.25, -160, 90), ...arc(0.42, 0.75, 0.37, 0.25, -90, 155)]],
    [[...arc(0.45, 0.25, 0.3, 0.25, -145, 80), ...arc(0.43, 0.73, 0.36, 0.27, -80, 140)]],
  ],
  [
    [[[0.24, 0], [0.16, 0.56], [0.86, 0.56]], [[0.68, 0.08], [0.66, 1]]], // prettier-ignore
    [[[0.62, 0], [0.1, 0.66], [0.92, 0.66]], [[0.64, 0.3], [0.62, 1]]], // prettier-ignore
  ],
  [
    [[[0.78, 0], [0.3, 0], [0.26, 0.44], ...arc(0.44, 0.69, 0.34, 0.31, -120, 145)]],
    [[[0.3, 0], [0.26, 0.46], ...arc(0.44, 0.69, 0.34, 0.31, -115, 140)], [[0.3, 0], [0.8, 0.02]]], // prettier-ignore
  ],
  [
    [[[0.66, 0], [0.42, 0.2], [0.26, 0.46], ...arc(0.5, 0.72, 0.28, 0.28, 190, 540)]],
    [[[0.56, 0], [0.34, 0.28], [0.22, 0.6], ...arc(0.5, 0.74, 0.3, 0.26, 170, -190)]],
  ],
  [
    [[[0.12, 0.02], [0.86, 0.02], [0.62, 0.46], [0.42, 1]]], // prettier-ignore
    [[[0.14, 0.06], [0.84, 0], [0.46, 1]], [[0.36, 0.52], [0.8, 0.5]]], // prettier-ignore
  ],
  [
    [[...arc(0.5, 0.25, 0.26, 0.25, 90, -270), ...arc(0.5, 0.75, 0.31, 0.25, -90, 270)]],
    [[...arc(0.5, 0.26, 0.28, 0.24, 80, 440), ...arc(0.5, 0.75, 0.33, 0.25, -80, -440)]],
  ],
  [
    [[...arc(0.48, 0.27, 0.29, 0.27, 0, -360), [0.76, 0.5], [0.7, 1]]],
    [[...arc(0.47, 0.27, 0.27, 0.27, -20, -375), [0.73, 0.6], [0.62, 0.86], [0.4, 1]]],
  ],
];

/** How a hand bends what it writes; lengths as parts of the pad. */
export interface Hand {
  name: string;
  form: 0 | 1;
  width: number;
  height: number;
  /** Sideways shift of the top against the bottom, as a part of the height. */
  slant: number;
  centre: readonly [number, number];
  tremble: number;
}

export const HANDS: readonly Hand[] = [
  { name: 'upright', form: 0, width: 0.48, height: 0.66, slant: 0, centre: [0.5, 0.5], tremble: 0 },
  {
    name: 'slanted and small',
    form: 0,
    width: 0.3,
    height: 0.4,
    slant: 0.24,
    centre: [0.32, 0.34],
    tremble: 0.004,
  },
  {
    name: 'large and wide',
    form: 1,
    width: 0.7,
    height: 0.8,
    slant: 0.08,
    centre: [0.5, 0.5],
    tremble: 0.006,
  },
  {
    name: 'narrow and leaning back',
    form: 0,
    width: 0.34,
    height: 0.62,
    slant: -0.1,
    centre: [0.6, 0.58],
    tremble: 0.004,
  },
  {
    name: 'continental',
    form: 1,
    width: 0.42,
    height: 0.6,
    slant: 0.16,
    centre: [0.46, 0.54],
    tremble: 0.008,
  },
];

/** The paths of `digit` as `hand` draws it on the pad. */
export function write(digit: number, hand: Hand): Path[] {
  const strokes = FORMS[digit]?.[hand.form];
  if (!strokes) throw new Error(`no form of the digit ${digit}`);
  return strokes.map((stroke) =>
    stroke.map(([x, y], index) => {
      const waver = hand.tremble * Math.sin(2.4 * index + digit);
      return [
        hand.centre[0] + hand.width * (x - 0.5) + hand.slant * hand.height * (0.5 - y) + waver,
        hand.centre[1] + hand.height * (y - 0.5) - waver,
      ] as const;
    }),
  );
}
